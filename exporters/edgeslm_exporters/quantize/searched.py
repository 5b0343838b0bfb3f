"""Scales searched for the smallest error, each weight's counted by how strong its input was over a calibration text.

Candidates are the rule's grid (blockwise.py) with its range shrunk or stretched, then the least-squares scale of the
best one's codes. Without the weighting such a search lowers squared error and raises KL divergence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgeslm_exporters.quantize.blockwise import Grid, fp16_scales, grid_of, in_blocks, nearest, quantize_rows, rounded
from edgeslm_exporters.quantize.inputs import better_rows, importance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgeslm_exporters.quantize.inputs import Inputs
    from edgeslm_exporters.quantized_rows import Blocks, QuantizedRows

    Floats = NDArray[np.float32]

STRETCHES = tuple(np.float32(0.7 + 0.02 * step) for step in range(21))  # 0.7 to 1.1 of the rule's range


def quantize(values: Floats, form: Blocks, inputs: Inputs) -> QuantizedRows:
    """Quantise float32 [rows, columns]; rows that inputs held out prefer on the rule's scales get those."""
    plain = quantize_rows(values, form.bits, form.block, symmetric=form.symmetric, per_row=form.per_row)
    return better_rows(values, form.bits, quantize_by(values, form, inputs.power), plain, inputs)


def quantize_by(values: Floats, form: Blocks, power: Floats) -> QuantizedRows:
    """Quantise float32 [rows, columns] with the scales that suit inputs of this `power` [columns]."""
    blocks = in_blocks(values, form.block)
    return rounded(blocks, searched_grid(blocks, form, importance(power, *blocks.shape[1:])), form)


def searched_grid(blocks: Floats, form: Blocks, weighting: Floats) -> Grid:
    """Return the grid of blocks [rows, blocks, block] with the least error, weighted by `weighting` [blocks, block]."""
    if not form.per_row:
        return _best(blocks, form, weighting)
    whole = _best(blocks.reshape(len(blocks), 1, -1), form, weighting.reshape(1, -1))
    shape = blocks.shape[:2]
    zeros = whole.zeros if form.symmetric else np.broadcast_to(whole.zeros, shape)
    return Grid(np.broadcast_to(whole.scales, shape), zeros)


def _best(blocks: Floats, form: Blocks, weighting: Floats) -> Grid:
    start = best = grid_of(blocks, form)
    least = _error(best, blocks, form, weighting)
    for stretch in STRETCHES:
        candidate = _stretched(start, stretch, form)
        error = _error(candidate, blocks, form, weighting)
        best, least = _chosen(error < least, candidate, best), np.minimum(error, least)
    fitted = _fitted(best, blocks, form, weighting)
    return _chosen(_error(fitted, blocks, form, weighting) < least, fitted, best)


def _stretched(grid: Grid, stretch: np.float32, form: Blocks) -> Grid:
    """Return the grid with all its steps longer or shorter around the middle of its range."""
    scales = fp16_scales(grid.scales * stretch)
    if form.symmetric:
        return Grid(scales, grid.zeros)
    middle = np.float32(form.codes[1] / 2)
    zeros = np.clip(np.rint((grid.zeros - middle) / stretch + middle), np.float32(0), np.float32(form.codes[1]))
    return Grid(scales, zeros)


def _fitted(grid: Grid, blocks: Floats, form: Blocks, weighting: Floats) -> Grid:
    """Return the grid with the scales that bring its codes closest to the weights."""
    steps = nearest(blocks, grid, form).astype(np.float32) - grid.zeros[..., None]
    weighted = steps * weighting
    power, match = (weighted * steps).sum(axis=-1), (weighted * blocks).sum(axis=-1)
    usable = (power > 0) & (match > 0)
    return Grid(np.where(usable, fp16_scales(match / np.where(usable, power, np.float32(1))), grid.scales), grid.zeros)


def _error(grid: Grid, blocks: Floats, form: Blocks, weighting: Floats) -> Floats:
    """Return the weighted squared error of each block [rows, blocks] on a grid."""
    off = (nearest(blocks, grid, form).astype(np.float32) - grid.zeros[..., None]) * grid.scales[..., None] - blocks
    error: Floats = (off * off * weighting).sum(axis=-1)
    return error


def _chosen(better: NDArray[np.bool_], new: Grid, old: Grid) -> Grid:
    """Return the new grid where it is better. Zeros of a symmetric form are the same in both."""
    zeros = old.zeros if old.zeros.shape != better.shape else np.where(better, new.zeros, old.zeros)
    return Grid(np.where(better, new.scales, old.scales), zeros)
