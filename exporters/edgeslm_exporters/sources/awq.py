"""AWQ checkpoints (gemm): `qweight` int32 [K, N / 8], `qzeros` [groups, N / 8], `scales` [groups, N].

Eight 4-bit codes of neighbouring outputs share a word, in the order 0 2 4 6 1 3 5 7 from its lowest bits up; zeros
likewise, stored as they are. Source: WQLinear_GEMM.from_linear of AutoAWQ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeslm_exporters.recipe import Quantization
from edgeslm_exporters.sources.codes import Codes, in_order
from edgeslm_exporters.sources.decoded import Decoded
from edgeslm_exporters.sources.partly_quantized import PartlyQuantized
from edgeslm_exporters.sources.settings import SCALES, WORDS, Settings, expect_shape, matrix_shape
from edgeslm_exporters.sources.words import WholeTensors, unpacked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from edgeslm_exporters.weight_files import WeightFiles

BITS, PER_WORD = 4, 8
PLACES = (0, 4, 1, 5, 2, 6, 3, 7)  # where in its word each of eight neighbouring outputs lies


def decode(settings: Mapping[str, Any], files: WeightFiles) -> Decoded:
    """Return the weights of an AWQ checkpoint.

    Raises UnsupportedOperator for a packing other than gemm, BadCheckpoint for shapes at odds with each other.
    """
    read = Settings("AWQ", settings)
    read.bits((BITS,), "bits" if "bits" in settings else "w_bit")
    read.choice("version", ("gemm",), "gemm")
    group = read.group("group_size" if "group_size" in settings else "q_group_size")
    form = Quantization(BITS, group, symmetric=not read.flag("zero_point", default=True))
    whole = WholeTensors(files)
    modules = [name.removesuffix(".qweight") for name in files.headers if name.endswith(".qweight")]
    matrices = {f"{module}.weight": AwqMatrix(whole, module, form, _shape(files, module, form)) for module in modules}
    return Decoded(PartlyQuantized(files, matrices), form)


@dataclass(frozen=True)
class AwqMatrix:
    """One layer's codes."""

    tensors: WholeTensors
    module: str
    form: Quantization
    shape: tuple[int, int]

    def codes(self, start: int, stop: int) -> Codes:
        """Return rows [start, stop)."""
        scales = self.tensors.read(f"{self.module}.scales")[:, start:stop].T
        zeros = np.full(scales.shape, 1 << (BITS - 1), np.uint8)
        if self.tensors.has(f"{self.module}.qzeros"):
            zeros = self._outputs("qzeros", start, stop).T
        group_of = in_order(self.shape[1], self.form.block or self.shape[1])
        return Codes(self._outputs("qweight", start, stop).T, scales, zeros, group_of)

    def _outputs(self, which: str, start: int, stop: int) -> NDArray[np.uint8]:
        """Return outputs [start, stop) of each row of words, in their order."""
        first, last = start // PER_WORD, -(-stop // PER_WORD)
        codes = unpacked(self.tensors.read(f"{self.module}.{which}")[:, first:last], BITS)
        ordered = codes.reshape(len(codes), -1, PER_WORD)[..., PLACES].reshape(len(codes), -1)
        return ordered[:, start - first * PER_WORD : stop - first * PER_WORD]


def _shape(files: WeightFiles, module: str, form: Quantization) -> tuple[int, int]:
    """Return rows and columns of the weight behind `module`, its tensors checked against each other."""
    columns, words = matrix_shape(files, f"{module}.qweight", WORDS)
    groups = -(-columns // (form.block or columns))
    if not form.symmetric or f"{module}.qzeros" in files.headers:
        expect_shape(files, f"{module}.qzeros", WORDS, (groups, words))
    expect_shape(files, f"{module}.scales", SCALES, (groups, words * PER_WORD))
    return words * PER_WORD, columns
