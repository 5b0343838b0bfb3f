"""Scales searched for the smallest error, each weight's counted by how strong its input was over a calibration text.

Candidates are the rule's grid (blockwise.py) with its range shrunk or stretched, then the least-squares scale of the
best one's codes. Without the weighting such a search lowers squared error and raises KL divergence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgeslm_exporters.quantize.blockwise import Grid, fp16_scales, grid_of, in_blocks, nearest, rounded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgeslm_exporters.quantize.inputs import Inputs
    from edgeslm_exporters.quantized_rows import Blocks, QuantizedRows

    Floats = NDArray[np.float32]

STRETCHES = tuple(np.float32(0.7 + 0.02 * step) for step in range(21))  # 0.7 to 1.1 of the rule's range


def quantize(values: Floats, form: Blocks, inputs: Inputs) -> QuantizedRows:
    """Quantise float32 [rows, columns] with searched scales, rounding to nearest."""
    blocks = in_blocks(values, form.block)
    return rounded(blocks, searched_grid(blocks, form, inputs.importance(*blocks.shape[1:])), form)


def searched_grid(blocks: Floats, form: Blocks, importance: Floats) -> Grid:
    """Return the grid of blocks [rows, blocks, block] with the least error, weighted by `importance` [blocks, block]."""
    if not form.per_row:
        return _best(blocks, form, importance)
    whole = _best(blocks.reshape(len(blocks), 1, -1), form, importance.reshape(1, -1))
    shape = blocks.shape[:2]
    zeros = whole.zeros if form.symmetric else np.broadcast_to(whole.zeros, shape)
    return Grid(np.broadcast_to(whole.scales, shape), zeros)


def _best(blocks: Floats, form: Blocks, importance: Floats) -> Grid:
    start = grid_of(blocks, form)
    best, least = start, np.full(start.scales.shape, np.inf, np.float32)
    for stretch in STRETCHES:
        best, least = _smaller(best, least, _stretched(start, stretch, form), blocks, form, importance)
    return _smaller(best, least, _fitted(best, blocks, form, importance), blocks, form, importance)[0]


def _stretched(grid: Grid, stretch: np.float32, form: Blocks) -> Grid:
    """Return the grid with all its steps longer or shorter around the middle of its range."""
    scales = fp16_scales(grid.scales * stretch)
    if form.symmetric:
        return Grid(scales, grid.zeros)
    middle = np.float32(form.codes[1] / 2)
    zeros = np.clip(np.rint((grid.zeros - middle) / stretch + middle), np.float32(0), np.float32(form.codes[1]))
    return Grid(scales, zeros)


def _fitted(grid: Grid, blocks: Floats, form: Blocks, importance: Floats) -> Grid:
    """Return the grid with the scales that bring its codes closest to the weights."""
    steps = nearest(blocks, grid, form).astype(np.float32) - grid.zeros[..., None]
    weighted = steps * importance
    power, match = (weighted * steps).sum(axis=-1), (weighted * blocks).sum(axis=-1)
    usable = (power > 0) & (match > 0)
    return Grid(np.where(usable, fp16_scales(match / np.where(usable, power, 1)), grid.scales), grid.zeros)


def _smaller(
    best: Grid, least: Floats, other: Grid, blocks: Floats, form: Blocks, importance: Floats
) -> tuple[Grid, Floats]:
    """Return for each block the better of two grids, and its error."""
    off = (nearest(blocks, other, form).astype(np.float32) - other.zeros[..., None]) * other.scales[..., None] - blocks
    error: Floats = (off * off * importance).sum(axis=-1)
    better = error < least
    zeros = best.zeros if form.symmetric else np.where(better, other.zeros, best.zeros)
    return Grid(np.where(better, other.scales, best.scales), zeros), np.minimum(error, least)
