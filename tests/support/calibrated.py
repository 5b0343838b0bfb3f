"""Weights and inputs of one matrix product, small enough to check an algorithm by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgeslm_exporters.quantize.inputs import Inputs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


def drawn_inputs(seed: int, columns: int, *, rows: int = 512, strong: int = 0) -> Inputs:
    """Return correlated inputs; the first `strong` columns are twenty times as large."""
    rng = np.random.default_rng(seed)
    mixing = rng.standard_normal((columns, columns)) / np.sqrt(columns) + 0.3
    drawn = (rng.standard_normal((2 * rows, columns)) @ mixing).astype(np.float32)
    drawn[:, :strong] *= 20
    return inputs_of(drawn[:rows], drawn[rows:])


def inputs_of(seen: Floats, held_out: Floats) -> Inputs:
    """Return what calibration keeps of inputs [rows, columns]."""
    return Inputs((seen.T @ seen / np.float32(len(seen))), np.abs(seen).mean(axis=0), held_out)


def drawn_weights(seed: int, rows: int, columns: int) -> Floats:
    """Return weights with the heavy tails of trained ones."""
    return (np.random.default_rng([seed, 1]).standard_t(5, (rows, columns)) / 20).astype(np.float32)
