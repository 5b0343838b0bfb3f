"""HQQ: scales and zero points that suit most weights of a block, found without data; outliers keep their error.

It minimises the sum of |error|^p with p below 1, by half-quadratic splitting: an error is first shrunk to what an
outlier may keep, then scale and zero point are fitted to the rest by least squares, and so on with a tighter coupling.
Source: Badri and Shaji, Half-Quadratic Quantization, 2023 (https://mobiusml.github.io/hqq_blog). There zero points are
floats; here they are whole, as the operator wants them, and the scale is fitted as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgeslm_exporters.quantize.blockwise import Grid, fp16_scales, grid_of, in_blocks, nearest, quantize_rows, rounded
from edgeslm_exporters.quantize.inputs import better_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgeslm_exporters.quantize.inputs import Inputs
    from edgeslm_exporters.quantized_rows import Blocks, QuantizedRows

    Floats = NDArray[np.float32]

NORM = 0.7  # p
COUPLING, GROWTH, ROUNDS = 10.0, 1.05, 20  # how tightly errors are held, in steps of the grid; the authors' values


def quantize(values: Floats, form: Blocks, inputs: Inputs) -> QuantizedRows:
    """Quantise float32 [rows, columns]; rows that a calibration text prefers rounded to nearest are."""
    plain = quantize_rows(values, form.bits, form.block, symmetric=form.symmetric, per_row=form.per_row)
    blocks = in_blocks(values, form.block)
    return better_rows(values, form.bits, rounded(blocks, robust_grid(blocks, form), form), plain, inputs)


def robust_grid(blocks: Floats, form: Blocks) -> Grid:
    """Return the grid of blocks [rows, blocks, block] with the smallest sum of |error|^p that the rounds come by."""
    shape = blocks.shape[:2]
    whole = blocks.reshape(len(blocks), 1, -1) if form.per_row else blocks
    grid = best = grid_of(whole, form)
    least = np.full(grid.scales.shape, np.inf, np.float32)
    coupling = COUPLING
    for _ in range(ROUNDS):
        steps = nearest(whole, grid, form).astype(np.float32) - grid.zeros[..., None]
        off = whole / grid.scales[..., None] - steps
        error = (np.abs(off) ** np.float32(NORM)).sum(axis=-1) * grid.scales ** np.float32(NORM)
        better = error < least
        best, least = _chosen(better, grid, best, form), np.minimum(error, least)
        grid = _fitted(grid, whole - _kept(off, coupling) * grid.scales[..., None], steps, form)
        coupling *= GROWTH
    zeros = best.zeros if form.symmetric else np.broadcast_to(best.zeros, shape)
    return Grid(np.broadcast_to(best.scales, shape), zeros)


def _kept(off: Floats, coupling: float) -> Floats:
    """Return the part of each error that is left to outliers: shrunk by |error|^(p-1) / coupling, towards zero."""
    size = np.abs(off)
    shrunk = size - np.maximum(size, np.float32(1e-6)) ** np.float32(NORM - 1) / np.float32(coupling)
    kept: Floats = np.sign(off) * np.maximum(shrunk, np.float32(0))
    return kept


def _fitted(grid: Grid, wanted: Floats, steps: Floats, form: Blocks) -> Grid:
    """Fit scale, and zero point where there is one, so that the same codes come closest to the wanted weights."""
    if form.symmetric:
        scales = _slope((steps * wanted).sum(-1), (steps * steps).sum(-1), grid.scales)
        return Grid(scales, grid.zeros)
    codes: Floats = steps + grid.zeros[..., None]
    mean_code, mean_weight = codes.mean(-1, keepdims=True), wanted.mean(-1, keepdims=True)
    spread: Floats = codes - mean_code
    match: Floats = (spread * (wanted - mean_weight)).sum(-1)
    scales = _slope(match, np.square(spread).sum(-1), grid.scales)
    zeros = np.rint(mean_code[..., 0] - mean_weight[..., 0] / scales)
    return Grid(scales, np.clip(zeros, np.float32(0), np.float32(form.codes[1])))


def _slope(match: Floats, power: Floats, otherwise: Floats) -> Floats:
    usable = (power > 0) & (match > 0)
    slopes: Floats = (match / np.where(usable, power, np.float32(1))).astype(np.float32)
    return np.where(usable, fp16_scales(slopes), otherwise)


def _chosen(better: NDArray[np.bool_], new: Grid, old: Grid, form: Blocks) -> Grid:
    zeros = old.zeros if form.symmetric else np.where(better, new.zeros, old.zeros)
    return Grid(np.where(better, new.scales, old.scales), zeros)
