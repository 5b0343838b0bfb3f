"""GPTQ: round column by column, and let the columns still to come make up for each column's error.

The error of the product with the calibration inputs is a quadratic form in the weights' errors, its matrix H the mean
of x x^T. With U the upper Cholesky factor of H's inverse, column i rounded with error e changes every later column j by
-e U[i, j] / U[i, i]. Scales are searched when a block begins, on the weights as they are by then.
Source: Frantar et al., arXiv 2210.17323, algorithm 1. Columns are taken in their own order: taking the strongest inputs
first (act-order) needs scales fixed beforehand and gained nothing measurable with blocks of 32.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from edgeslm_exporters.quantize.blockwise import Grid, in_blocks, quantize_rows
from edgeslm_exporters.quantize.inputs import better_rows, importance
from edgeslm_exporters.quantize.searched import searched_grid
from edgeslm_exporters.quantized_rows import QuantizedRows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgeslm_exporters.quantize.inputs import Inputs
    from edgeslm_exporters.quantized_rows import Blocks

    Floats = NDArray[np.float32]

DAMPING = 0.01  # of H's mean diagonal, added to the diagonal
_FACTORING = threading.Lock()  # so that threads with rows of one matrix factor its H once


def quantize(values: Floats, form: Blocks, inputs: Inputs) -> QuantizedRows:
    """Quantise float32 [rows, columns]; rows that inputs held out prefer rounded to nearest are."""
    plain = quantize_rows(values, form.bits, form.block, symmetric=form.symmetric, per_row=form.per_row)
    return better_rows(values, form.bits, compensated(values, form, inputs), plain, inputs)


def compensated(values: Floats, form: Blocks, inputs: Inputs) -> QuantizedRows:
    """Quantise float32 [rows, columns] by the algorithm alone. The work is done on columns, [columns, rows]."""
    blocks = in_blocks(values, form.block)
    rows, count, block = blocks.shape
    with _FACTORING:
        factor = _factor(inputs, count * block)
    weighting = importance(inputs.power, count, block)
    shared = searched_grid(blocks, form, weighting) if form.per_row else None
    columns = np.ascontiguousarray(blocks.reshape(rows, -1).T)
    codes, grids = np.empty(columns.shape, np.uint8), []
    for index in range(count):
        span = slice(index * block, (index + 1) * block)
        grid = _column_of(shared, index) if shared else _begun(columns[span], form, weighting[index])
        codes[span], errors = _block_codes(columns[span], factor[span, span], grid, form)
        columns[span.stop :] -= factor[span, span.stop :].T @ errors
        grids.append(grid)
    points = None if form.symmetric else np.concatenate([grid.zeros for grid in grids], axis=1).astype(np.uint8)
    scales = np.concatenate([grid.scales for grid in grids], axis=1)
    return QuantizedRows(np.ascontiguousarray(codes.T).reshape(blocks.shape), scales, points)


def _begun(columns: Floats, form: Blocks, weighting: Floats) -> Grid:
    """Return the grid [rows, 1] of one block, from its columns as they are by now."""
    return searched_grid(np.ascontiguousarray(columns.T)[:, None], form, weighting[None])


def _column_of(grid: Grid, index: int) -> Grid:
    zeros = grid.zeros if grid.zeros.shape[1] == 1 else grid.zeros[:, index : index + 1]
    return Grid(grid.scales[:, index : index + 1], zeros)


def _block_codes(columns: Floats, factor: Floats, grid: Grid, form: Blocks) -> tuple[NDArray[np.uint8], Floats]:
    """Round the columns [block, rows] one after the other; return codes, and errors / U[i, i] for later blocks."""
    codes, errors = np.empty(columns.shape, np.uint8), np.empty_like(columns)
    scales, zeros = grid.scales[:, 0], grid.zeros[:, 0]
    low, high = (np.float32(code) for code in form.codes)
    for index, column in enumerate(columns):
        code = np.clip(np.rint(column / scales + zeros), low, high)
        codes[index] = code
        errors[index] = (column - (code - zeros) * scales) / factor[index, index]
        columns[index + 1 :] -= factor[index, index + 1 :, None] * errors[index]
    return codes, errors


@lru_cache(maxsize=2)
def _factor(inputs: Inputs, size: int) -> Floats:
    """Return the upper Cholesky factor of the damped H's inverse, float32; padded columns stand for themselves."""
    count = len(inputs.moments)
    damped = np.zeros((size, size))
    damped[:count, :count] = inputs.moments
    mean = float(np.trace(damped)) / count
    damped[np.diag_indices(size)] += DAMPING * mean if mean > 0 else 1.0
    inverse = np.linalg.inv(damped)
    factor: Floats = np.linalg.cholesky((inverse + inverse.T) / 2).T.astype(np.float32)
    return factor
