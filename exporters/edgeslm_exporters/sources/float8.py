"""Float8 checkpoints: F8_E4M3 or F8_E5M2 tensors, each with its scale beside it or without one.

The scale of `x.weight` is `x.weight_scale` or `x.weight_scale_inv` (both multiply, whatever the name says): one number,
one a row [N] or [N, 1], or one a block [ceil(N / b), ceil(K / c)] of `weight_block_size` = [b, c], as DeepSeek
publishes. No recipe stores float8: the weights are widened and rounded anew. Source: transformers' fp8 and
fbgemm_fp8 quantisers, and DeepSeek-V3's weight_dequant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeslm_agent.errors import BadCheckpoint
from edgeslm_exporters.sources.decoded import Decoded
from edgeslm_exporters.sources.settings import matrix_shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from edgeslm_exporters.weight_files import WeightFiles

SUFFIXES = ("_scale_inv", "_scale")
BLOCK = (128, 128)  # where no weight_block_size is given
_NOTE = "weights came as float8 and are rounded again: no recipe stores them as they are"


def decode(settings: Mapping[str, Any], files: WeightFiles) -> Decoded:
    """Return the weights of a float8 checkpoint.

    Raises BadCheckpoint when a scale does not go with its weight.
    """
    named = settings.get("weight_block_size")
    block = BLOCK if named is None else tuple(named) if isinstance(named, list) else ()
    if len(block) != 2 or not all(isinstance(size, int) and size > 0 for size in block):
        raise BadCheckpoint(f"config.json: weight_block_size is {named!r}", "take it from where the weights came from")
    scales: dict[str, _Scale] = {}
    for name, header in files.headers.items():
        scale = next((name + suffix for suffix in SUFFIXES if name + suffix in files.headers), None)
        if header.dtype.startswith("F8") and scale is not None:
            scales[name] = _scale(files, name, scale, block)
    return Decoded(Scaled(files, scales), notes=(_NOTE,))


@dataclass(frozen=True)
class _Scale:
    """Where a weight's scale is, and how many of its rows and columns each of its values covers."""

    name: str
    rows: int
    columns: int


@dataclass(frozen=True)
class Scaled:
    """`Weights` whose float8 tensors are multiplied by the scales beside them."""

    files: WeightFiles
    scales: Mapping[str, _Scale]

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shape of every tensor by name."""
        return self.files.shapes

    def rows(self, name: str, start: int, stop: int) -> NDArray[np.float32]:
        """Return rows of a tensor as `Weights` does."""
        values = self.files.rows(name, start, stop)
        scale = self.scales.get(name)
        if scale is None:
            return values
        # A vector of scales is read as a row, one value to a row of the weight.
        factors = self.files.rows(scale.name, 0, self.files.all_rows(scale.name))
        factors = factors.T if len(self.files.headers[scale.name].shape) < 2 else factors
        wanted = factors[np.arange(start, stop) // scale.rows]
        scaled: NDArray[np.float32] = values * np.repeat(wanted, scale.columns, axis=1)[:, : values.shape[1]]
        return scaled


def _scale(files: WeightFiles, weight: str, name: str, block: tuple[int, int]) -> _Scale:
    """Return what each value of a scale covers, from the shapes."""
    rows, columns = matrix_shape(files, weight, ("F8_E4M3", "F8_E5M2"))
    shape = files.headers[name].shape
    if shape in {(), (1,), (1, 1)}:
        return _Scale(name, rows, columns)
    if shape in {(rows,), (rows, 1)}:
        return _Scale(name, 1, columns)
    if shape == (-(-rows // block[0]), -(-columns // block[1])):
        return _Scale(name, *block)
    raise BadCheckpoint(
        f"{name} is {list(shape)}: neither one number, nor one a row, nor one a block of {block[0]} x {block[1]} of "
        f"{weight}, {[rows, columns]}",
        "take quantization_config from the place the weights came from",
    )
