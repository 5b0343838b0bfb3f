"""Codes as a checkpoint's publisher chose them, and whether a recipe's form holds them to the bit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from edgeslm_exporters.quantized_rows import QuantizedRows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgeslm_exporters.quantized_rows import Blocks
    from edgeslm_exporters.recipe import Quantization


@dataclass(frozen=True)
class Codes:
    """Some rows of a quantised matrix: a weight is (code - zero) x scale, zero and scale those of its group.

    `codes` uint8 [rows, columns]; `scales` float32 and `zeros` uint8 [rows, groups]; `group_of` int [columns].
    """

    codes: NDArray[np.uint8]
    scales: NDArray[np.float32]
    zeros: NDArray[np.uint8]
    group_of: NDArray[np.intp]

    def weights(self) -> NDArray[np.float32]:
        """Return the weights, float32 [rows, columns]."""
        zeros = self.zeros.astype(np.float32)[:, self.group_of]
        weights: NDArray[np.float32] = (self.codes.astype(np.float32) - zeros) * self.scales[:, self.group_of]
        return weights

    def in_blocks(self, form: Blocks) -> QuantizedRows | None:
        """Return the same weights in another form of as many bits, or None where it does not hold them exactly.

        A block must lie inside one group; scales must be positive and exact in fp16 (a group whose scale is 0 holds
        zeros only: it gets scale 1); symmetric zeros must be 2^(bits - 1).
        """
        first = self.group_of[:: form.block]
        inside = (np.repeat(first, form.block)[: len(self.group_of)] == self.group_of).all()
        if not inside or (form.per_row and self.scales.shape[1] > 1):
            return None
        scales, zeros = self.scales[:, first], self.zeros[:, first]
        empty = scales == 0
        if empty.any():
            scales, zeros = np.where(empty, np.float32(1), scales), np.where(empty, np.uint8(form.zero), zeros)
        if not _storable(scales) or (form.symmetric and (zeros != form.zero).any()):
            return None
        return QuantizedRows(self._blocked(zeros, empty, form.block), scales, None if form.symmetric else zeros)

    def _blocked(self, zeros: NDArray[np.uint8], empty: NDArray[np.bool_], block: int) -> NDArray[np.uint8]:
        """Return codes [rows, blocks, block]; what pads the last block and fills an empty one stands for zero."""
        rows, columns = self.codes.shape
        codes = np.repeat(zeros, block, axis=1)
        codes[:, :columns] = self.codes
        blocked = codes.reshape(rows, -1, block)
        return np.where(empty[..., None], zeros[..., None], blocked) if empty.any() else blocked


def _storable(scales: NDArray[np.float32]) -> bool:
    with np.errstate(over="ignore"):
        return bool(np.isfinite(scales).all() and (scales > 0).all() and (scales.astype(np.float16) == scales).all())


def in_order(columns: int, group: int) -> NDArray[np.intp]:
    """Return the group of every column where groups of `group` columns follow each other."""
    return np.arange(columns) // group


class Matrix(Protocol):
    """A quantised matrix of a checkpoint; `form` is what its header says it is, `shape` that of the weights."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows (outputs) and columns (inputs)."""

    @property
    def form(self) -> Quantization:
        """Bits, group and symmetry."""

    def codes(self, start: int, stop: int) -> Codes:
        """Return rows [start, stop).

        Raises BadCheckpoint when they cannot be read or contradict themselves.
        """
