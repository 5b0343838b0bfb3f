"""GPTQ checkpoints: `qweight` int32 [K x bits / 32, N], `qzeros` [groups, N x bits / 32], `scales` [groups, N].

Codes are packed along K, zeros along N, the lowest bits first. The format named `gptq` stores zeros less one, `gptq_v2`
as they are. `g_idx` [K] names the group of each column: with act-order they are not neighbours, no block of columns has
one scale, and the matrix is rounded again. Source: pack() of AutoGPTQ's QuantLinear, and GPTQModel's conversion between
the two formats.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeslm_agent.errors import BadCheckpoint, UnsupportedOperator
from edgeslm_exporters.recipe import Quantization
from edgeslm_exporters.sources.codes import Codes, in_order
from edgeslm_exporters.sources.decoded import Decoded
from edgeslm_exporters.sources.partly_quantized import PartlyQuantized
from edgeslm_exporters.sources.settings import SCALES, WORDS, Settings, expect_shape, matrix_shape
from edgeslm_exporters.sources.words import WholeTensors, columns_of, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from edgeslm_exporters.weight_files import WeightFiles

# What is added to a stored zero.
ZERO_SHIFTS = {"gptq": 1, "gptq_v2": 0}


def decode(settings: Mapping[str, Any], files: WeightFiles) -> Decoded:
    """Return the weights of a GPTQ checkpoint.

    Raises UnsupportedOperator for a packing nobody wrote down, BadCheckpoint for shapes at odds with each other.
    """
    read = Settings("gptq", settings)
    bits, group, symmetric = read.bits((2, 4, 8)), read.group("group_size"), read.flag("sym", default=True)
    shift = ZERO_SHIFTS[read.choice("checkpoint_format", tuple(ZERO_SHIFTS), "gptq")]
    read.choice("pack_dtype", ("int32",), "int32")
    if settings.get("dynamic"):
        raise UnsupportedOperator(
            "this GPTQ checkpoint has other settings for some layers (`dynamic`)", "take one with the same everywhere"
        )
    form = Quantization(bits, group, symmetric)
    whole = WholeTensors(files)
    modules = [name.removesuffix(".qweight") for name in files.headers if name.endswith(".qweight")]
    matrices = {
        f"{module}.weight": GptqMatrix(whole, module, form, shift, _shape(files, module, form)) for module in modules
    }
    return Decoded(PartlyQuantized(files, matrices), form, tuple(_notes(settings)))


def _notes(settings: Mapping[str, Any]) -> Iterator[str]:
    if settings.get("desc_act"):
        yield "GPTQ with act-order: a matrix whose groups are not neighbouring columns is rounded again"


@dataclass(frozen=True)
class GptqMatrix:
    """One layer's codes; `zero_shift` is added to stored zeros."""

    tensors: WholeTensors
    module: str
    form: Quantization
    zero_shift: int
    shape: tuple[int, int]

    def codes(self, start: int, stop: int) -> Codes:
        """Return rows [start, stop).

        Raises BadCheckpoint when g_idx names a group that does not exist.
        """
        bits = self.form.bits
        words = self.tensors.read(f"{self.module}.qweight")[:, start:stop]
        stored = columns_of(self.tensors.read(f"{self.module}.qzeros"), bits, start, stop)
        scales = self.tensors.read(f"{self.module}.scales")[:, start:stop]
        return Codes(
            unpacked(words.T, bits),
            scales.T,
            (stored.T + np.uint8(self.zero_shift)) & np.uint8(2**bits - 1),
            self._group_of(groups=len(scales)),
        )

    def _group_of(self, groups: int) -> NDArray[np.intp]:
        name = f"{self.module}.g_idx"
        if not self.tensors.has(name):
            return in_order(self.shape[1], self.form.block or self.shape[1])
        group_of: NDArray[np.intp] = self.tensors.read(name)[0].astype(np.intp)
        if group_of.min() < 0 or group_of.max() >= groups:
            raise BadCheckpoint(
                f"{name} names a group outside 0 to {groups - 1}",
                "the weights are damaged; take them from their source",
            )
        return group_of


def _shape(files: WeightFiles, module: str, form: Quantization) -> tuple[int, int]:
    """Return rows and columns of the weight behind `module`, its tensors checked against each other."""
    per_word = 32 // form.bits
    words, rows = matrix_shape(files, f"{module}.qweight", WORDS)
    columns = words * per_word
    groups = -(-columns // (form.block or columns))
    expect_shape(files, f"{module}.qzeros", WORDS, (groups, rows // per_word))
    expect_shape(files, f"{module}.scales", SCALES, (groups, rows))
    if f"{module}.g_idx" in files.headers:
        expect_shape(files, f"{module}.g_idx", WORDS, (columns,))
    return rows, columns
