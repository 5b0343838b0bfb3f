from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeslm_exporters.quantize import hqq, searched
from edgeslm_exporters.quantize.blockwise import Grid, grid_of, in_blocks, nearest, quantize_rows
from edgeslm_exporters.quantize.inputs import importance
from edgeslm_exporters.quantized_rows import Blocks, QuantizedRows
from support.calibrated import drawn_inputs, drawn_weights

FORMS = [Blocks(4, 32, True, False), Blocks(4, 32, False, False), Blocks(4, 32, True, True), Blocks(8, 32, True, False)]


def plain(values: np.ndarray, form: Blocks) -> QuantizedRows:
    return quantize_rows(values, form.bits, form.block, symmetric=form.symmetric, per_row=form.per_row)


@pytest.mark.parametrize("form", FORMS, ids=str)
@settings(max_examples=15, deadline=None)
@given(columns=st.integers(1, 100), seed=st.integers(0, 99))
def test_the_weighted_error_never_exceeds_that_of_the_rule(form: Blocks, columns: int, seed: int) -> None:
    values, inputs = drawn_weights(seed, 4, columns), drawn_inputs(seed, columns, rows=32, strong=columns // 8)
    rows, rule = searched.quantize_by(values, form, inputs.power), plain(values, form)
    power = importance(inputs.power, *rows.codes.shape[1:]).reshape(-1)[:columns]
    errors = [((found.dequantize(form.bits, columns) - values) ** 2 @ power).sum() for found in (rows, rule)]
    assert errors[0] <= errors[1] * (1 + 1e-5)
    assert (rows.scales.astype(np.float16) == rows.scales).all()
    assert (rows.zero_points is None) == form.symmetric


def test_a_strong_input_gets_its_weight_nearly_exact() -> None:
    values = drawn_weights(4, 64, 32)
    errors = []
    for strong in (0, 1):
        inputs = drawn_inputs(4, 32, strong=strong)
        found = searched.quantize_by(values, FORMS[0], inputs.power).dequantize(4, 32)
        errors.append(float(np.abs(found - values)[:, 0].mean()))
    assert errors[1] < 0.6 * errors[0]


def test_the_best_of_a_fine_grid_of_scales_is_hardly_better() -> None:
    values, inputs = drawn_weights(2, 16, 32), drawn_inputs(2, 32)
    blocks, power = in_blocks(values, 32), importance(inputs.power, 1, 32)
    form = FORMS[0]
    found = searched.searched_grid(blocks, form, power)

    def error(scales: np.ndarray) -> np.ndarray:
        grid = Grid(scales, np.full((1, 1), 8, np.float32))
        steps = nearest(blocks, grid, form).astype(np.float32) - 8
        return np.asarray((np.square(steps * scales[..., None] - blocks) * power).sum(-1))

    rule = grid_of(blocks, form).scales
    finest = np.min(
        [error((rule * np.float32(step)).astype(np.float32)) for step in np.linspace(0.5, 1.2, 701)], axis=0
    )
    assert (error(found.scales) <= 1.15 * finest).all()


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_hqq_lowers_the_norm_it_minimises(form: Blocks) -> None:
    values = drawn_weights(7, 32, 96)
    blocks = in_blocks(values, form.block)
    sums = []
    for grid in (hqq.robust_grid(blocks, form), grid_of(blocks, form)):
        steps = nearest(blocks, grid, form).astype(np.float32) - grid.zeros[..., None]
        sums.append(float((np.abs(steps * grid.scales[..., None] - blocks) ** hqq.NORM).sum()))
    assert sums[0] < sums[1]


def test_hqq_leaves_the_rows_that_calibration_prefers_rounded() -> None:
    values, inputs = drawn_weights(7, 32, 96), drawn_inputs(7, 96)
    rows, rule = hqq.quantize(values, FORMS[1], inputs), plain(values, FORMS[1])
    assert (inputs.damage(values, rows, 4) <= inputs.damage(values, rule, 4)).all()
    assert (rows.scales.astype(np.float16) == rows.scales).all()
