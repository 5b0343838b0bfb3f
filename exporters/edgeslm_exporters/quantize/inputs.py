"""What the inputs of one matrix product were over a calibration text, and what an error of the weights does to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgeslm_exporters.quantized_rows import QuantizedRows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

FLOOR = 1e-3  # of the mean: a column that the text never used keeps a little weight


@dataclass(frozen=True, eq=False)
class Inputs:
    """`moments` [columns, columns]: the mean of x x^T; `magnitudes` [columns]: the mean of |x|.

    `checks` [rows, columns] are inputs that neither of them saw. All float32.
    """

    moments: Floats
    magnitudes: Floats
    checks: Floats

    @property
    def power(self) -> Floats:
        """The mean of x^2, [columns]."""
        return np.diagonal(self.moments)

    def damage(self, values: Floats, rows: QuantizedRows, bits: int) -> Floats:
        """Return, for each row, the squared error of the product with the inputs held out."""
        off = rows.dequantize(bits, values.shape[1]) - values
        damage: Floats = np.square(off @ self.checks.T).sum(axis=1)
        return damage


def importance(power: Floats, blocks: int, block: int) -> Floats:
    """Return how much a squared error counts in each column, [blocks, block], from the power of its input [columns].

    Padded columns count little.
    """
    floor = np.float32(max(FLOOR * power.mean(), np.finfo(np.float32).tiny))
    padded = np.full(blocks * block, floor)
    padded[: len(power)] += power
    return padded.reshape(blocks, block)


def better_rows(values: Floats, bits: int, candidate: QuantizedRows, plain: QuantizedRows, by: Inputs) -> QuantizedRows:
    """Return the candidate's rows where they do less damage to inputs it has not seen, and the plain ones elsewhere."""
    better = by.damage(values, candidate, bits) <= by.damage(values, plain, bits)
    if better.all():
        return candidate
    points = None
    if candidate.zero_points is not None and plain.zero_points is not None:
        points = np.where(better[:, None], candidate.zero_points, plain.zero_points)
    codes = np.where(better[:, None, None], candidate.codes, plain.codes)
    return QuantizedRows(codes, np.where(better[:, None], candidate.scales, plain.scales), points)
