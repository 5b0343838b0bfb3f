"""compressed-tensors checkpoints, as llm-compressor writes them: integers packed into words or bare, and float8.

pack-quantized: `weight_packed` int32 [N, K x bits / 32], codes plus 2^(bits - 1), the lowest bits first;
`weight_zero_point`, where there is one, is packed likewise along N. int-quantized and naive-quantized: `weight` int8
[N, K], `weight_zero_point` int8 [N, groups]. Both: `weight_scale` [N, groups] (channel: one, tensor: [1]),
`weight_g_idx` [K] where groups are not neighbours. Source: pack_to_int32 and the compressors of compressed-tensors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeslm_agent.errors import BadCheckpoint
from edgeslm_exporters.recipe import Quantization
from edgeslm_exporters.sources import float8
from edgeslm_exporters.sources.codes import Codes, in_order
from edgeslm_exporters.sources.decoded import Decoded
from edgeslm_exporters.sources.partly_quantized import PartlyQuantized
from edgeslm_exporters.sources.settings import SCALES, WORDS, Settings, expect_shape, matrix_shape
from edgeslm_exporters.sources.words import columns_of, unpacked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from edgeslm_exporters.weight_files import WeightFiles

FORMATS = ("pack-quantized", "int-quantized", "naive-quantized", "float-quantized")
PACKED, BARE = "weight_packed", "weight"


def decode(settings: Mapping[str, Any], files: WeightFiles) -> Decoded:
    """Return the weights of a compressed-tensors checkpoint.

    Raises UnsupportedOperator for a format without decoder, BadCheckpoint for shapes at odds with each other.
    """
    read = Settings("compressed-tensors", settings)
    packed = read.choice("format", FORMATS, "dense") == "pack-quantized"
    weights = _weights_settings(read, settings)
    args = Settings("compressed-tensors", weights)
    if args.choice("type", ("int", "float"), "int") == "float":
        return float8.decode({"weight_block_size": weights.get("block_structure")}, files)
    strategy = args.choice("strategy", ("group", "channel", "tensor"), "tensor")
    group = args.group("group_size") if strategy == "group" else None
    form = Quantization(args.bits((4, 8), "num_bits"), group, args.flag("symmetric", default=True))
    suffix = PACKED if packed else BARE
    modules = [
        name.removesuffix(f".{suffix}")
        for name, header in files.headers.items()
        if name.endswith(f".{suffix}") and header.dtype in {"I32", "I8"}
    ]
    matrices = {
        f"{module}.weight": IntegerMatrix(files, module, form, _shape(files, module, form)) for module in modules
    }
    return Decoded(PartlyQuantized(files, matrices), form)


def _weights_settings(read: Settings, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return how weights are quantised, which must be the same everywhere, with nothing done to them besides."""
    for key in ("sparsity_config", "transform_config"):
        extra = settings.get(key)
        if isinstance(extra, dict) and extra and extra.get("format") != "dense":
            read.refuse(f"a {key}")
    groups = settings.get("config_groups")
    every = groups.values() if isinstance(groups, dict) else ()
    found = [group.get("weights") for group in every if isinstance(group, dict)]
    if not found or not isinstance(found[0], dict):
        raise BadCheckpoint(
            "config.json: quantization_config says nothing of the weights", "take it from where the weights came from"
        )
    if any(other != found[0] for other in found[1:]):
        read.refuse("several ways to quantise weights")
    return found[0]


@dataclass(frozen=True)
class IntegerMatrix:
    """One layer's codes, packed into words or bare."""

    files: WeightFiles
    module: str
    form: Quantization
    shape: tuple[int, int]

    def codes(self, start: int, stop: int) -> Codes:
        """Return rows [start, stop).

        Raises BadCheckpoint when weight_g_idx names a group that does not exist.
        """
        scales = self._scales(start, stop)
        group_of = self._group_of(scales.shape[1])
        return Codes(self._codes(start, stop), scales, self._zeros(start, stop, scales.shape[1]), group_of)

    def _codes(self, start: int, stop: int) -> NDArray[np.uint8]:
        if f"{self.module}.{PACKED}" in self.files.headers:
            words = self.files.stored(f"{self.module}.{PACKED}", start, stop)
            return unpacked(words, self.form.bits)[:, : self.shape[1]]
        return _unsigned(self.files.stored(f"{self.module}.{BARE}", start, stop))

    def _scales(self, start: int, stop: int) -> NDArray[np.float32]:
        name = f"{self.module}.weight_scale"
        if len(self.files.headers[name].shape) == 1:  # one for the whole tensor
            return np.repeat(self.files.rows(name, 0, 1), stop - start, axis=0)
        return self.files.rows(name, start, stop)

    def _zeros(self, start: int, stop: int, groups: int) -> NDArray[np.uint8]:
        name = f"{self.module}.weight_zero_point"
        if name not in self.files.headers or self.form.symmetric:
            return np.full((stop - start, groups), 1 << (self.form.bits - 1), np.uint8)
        if self.files.headers[name].dtype == "I32":
            words: NDArray[np.int32] = self.files.stored(name, 0, self.files.all_rows(name))
            zeros: NDArray[np.uint8] = columns_of(words.T, self.form.bits, start, stop).T
            return zeros
        return _unsigned(self.files.stored(name, start, stop))

    def _group_of(self, groups: int) -> NDArray[np.intp]:
        name = f"{self.module}.weight_g_idx"
        if name not in self.files.headers:
            return in_order(self.shape[1], self.form.block or self.shape[1])
        group_of: NDArray[np.intp] = self.files.stored(name, 0, 1)[0].astype(np.intp)
        if group_of.min() < 0 or group_of.max() >= groups:
            raise BadCheckpoint(
                f"{name} names a group outside 0 to {groups - 1}",
                "the weights are damaged; take them from their source",
            )
        return group_of


def _unsigned(signed: NDArray[np.int8]) -> NDArray[np.uint8]:
    """Add 128."""
    unsigned: NDArray[np.uint8] = signed.view(np.uint8) ^ np.uint8(128)
    return unsigned


def _shape(files: WeightFiles, module: str, form: Quantization) -> tuple[int, int]:
    """Return rows and columns of the weight behind `module`, its tensors checked against each other."""
    if f"{module}.{PACKED}" in files.headers:
        rows, words = matrix_shape(files, f"{module}.{PACKED}", WORDS)
        columns = words * 32 // form.bits
    else:
        rows, columns = matrix_shape(files, f"{module}.{BARE}", ("I8",))
    scale = f"{module}.weight_scale"
    single = scale in files.headers and files.headers[scale].shape == (1,)
    groups = 1 if form.block is None else -(-columns // form.block)
    expect_shape(files, scale, SCALES, (1,) if single and form.block is None else (rows, groups))
    _check_zeros(files, module, form, rows, groups)
    if f"{module}.weight_g_idx" in files.headers:
        expect_shape(files, f"{module}.weight_g_idx", WORDS, (columns,))
    return rows, columns


def _check_zeros(files: WeightFiles, module: str, form: Quantization, rows: int, groups: int) -> None:
    name = f"{module}.weight_zero_point"
    if form.symmetric:
        return
    if f"{module}.{PACKED}" in files.headers:
        expect_shape(files, name, WORDS, (-(-rows * form.bits // 32), groups))
    else:
        expect_shape(files, name, ("I8",), (rows, groups))
