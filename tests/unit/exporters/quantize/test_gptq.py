from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeslm_exporters.quantize import gptq
from edgeslm_exporters.quantize.blockwise import Grid, quantize_rows
from edgeslm_exporters.quantize.inputs import Inputs
from edgeslm_exporters.quantized_rows import Blocks, QuantizedRows
from support.calibrated import drawn_inputs, drawn_weights

FORMS = [Blocks(4, 32, True, False), Blocks(4, 32, False, False), Blocks(4, 16, True, True), Blocks(8, 32, True, False)]


def plain(values: np.ndarray, form: Blocks) -> QuantizedRows:
    return quantize_rows(values, form.bits, form.block, symmetric=form.symmetric, per_row=form.per_row)


def seen_error(values: np.ndarray, rows: QuantizedRows, form: Blocks, inputs: Inputs) -> float:
    off = rows.dequantize(form.bits, values.shape[1]) - values
    return float(((off @ inputs.moments) * off).sum())


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("columns", [64, 80])
def test_it_leaves_less_error_than_rounding_to_nearest_on_correlated_inputs(form: Blocks, columns: int) -> None:
    values, inputs = drawn_weights(0, 24, columns), drawn_inputs(0, columns)
    error = seen_error(values, gptq.compensated(values, form, inputs), form, inputs)
    assert error < 0.8 * seen_error(values, plain(values, form), form, inputs)


def test_without_correlations_it_is_rounding_to_nearest_on_the_same_scales() -> None:
    """A diagonal H has nothing to compensate with: each weight goes to its nearest code."""
    values = drawn_weights(1, 8, 64)
    inputs = Inputs(np.eye(64, dtype=np.float32), np.ones(64, np.float32), np.eye(64, dtype=np.float32))
    rows = gptq.compensated(values, FORMS[0], inputs)
    steps = values.reshape(rows.codes.shape) / rows.scales[..., None]
    assert np.abs(rows.codes - 8.0 - np.clip(steps, -8, 7)).max() <= 0.5 + 1e-3


def test_two_columns_come_out_as_the_algorithm_on_paper_says() -> None:
    """H = [[1, r], [r, 1]]: what column 0 loses by rounding moves column 1 by r (both damped by 1 %)."""
    correlation, scale = 0.8, 0.125
    moments = np.array([[1, correlation], [correlation, 1]], np.float32)
    inputs = Inputs(moments, np.ones(2, np.float32), np.eye(2, dtype=np.float32))
    values = np.array([[0.31, 0.17]], np.float32)
    columns = np.zeros((16, 1), np.float32)
    columns[:2, 0] = values
    grid = Grid(np.full((1, 1), scale, np.float32), np.full((1, 1), 8, np.float32))
    codes, _ = gptq._block_codes(columns, gptq._factor(inputs, 16), grid, FORMS[2])
    first = round(0.31 / scale)
    second = round((0.17 + (0.31 - first * scale) * correlation / 1.01) / scale)
    assert codes[:2, 0].tolist() == [8 + first, 8 + second]


def test_it_comes_close_to_the_best_of_all_roundings() -> None:
    """All 2^8 ways to round eight weights up or down on the same scale, one by one."""
    inputs = drawn_inputs(3, 8)
    wide = Inputs(inputs.moments, inputs.magnitudes, inputs.checks)
    form = Blocks(4, 16, symmetric=True, per_row=False)
    for seed in range(10):
        values = drawn_weights(seed, 1, 8)
        rows = gptq.compensated(values, form, wide)
        scale = float(rows.scales[0, 0])
        below = np.floor(values / scale)
        choices = np.clip(below + np.array(list(product((0, 1), repeat=8))), -8, 7) * scale - values
        best = ((choices @ wide.moments) * choices).sum(axis=1).min()
        nearest = np.clip(np.rint(values / scale), -8, 7) * scale - values
        naive = ((nearest @ wide.moments) * nearest).sum()
        assert best <= seen_error(values, rows, form, wide) * (1 + 1e-4)
        assert seen_error(values, rows, form, wide) <= max(naive, 3 * best)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(FORMS), st.integers(1, 100), st.integers(0, 99))
def test_codes_and_scales_are_what_the_layout_stores(form: Blocks, columns: int, seed: int) -> None:
    values, inputs = drawn_weights(seed, 3, columns), drawn_inputs(seed, columns, rows=64)
    rows, like = gptq.quantize(values, form, inputs), plain(values, form)
    assert rows.codes.shape == like.codes.shape
    assert rows.scales.shape == like.scales.shape
    assert (rows.scales > 0).all()
    assert (rows.scales.astype(np.float16) == rows.scales).all()
    low, high = form.codes
    assert rows.codes.min() >= low
    assert rows.codes.max() <= high
    assert (rows.zero_points is None) == form.symmetric
    assert not form.per_row or (rows.scales == rows.scales[:, :1]).all()
    padding = rows.dequantize(form.bits, rows.codes[0].size)[:, columns:]
    assert not padding.any()


def test_rows_that_do_worse_on_inputs_held_out_are_rounded_to_nearest() -> None:
    values, inputs = drawn_weights(0, 16, 64), drawn_inputs(0, 64)
    misled = Inputs(
        inputs.moments, inputs.magnitudes, drawn_inputs(9, 64).checks * 0 + np.eye(64, dtype=np.float32)[:1]
    )
    rows = gptq.quantize(values, FORMS[0], misled)
    assert (misled.damage(values, rows, 4) <= misled.damage(values, plain(values, FORMS[0]), 4)).all()
    alone = gptq.compensated(values, FORMS[0], misled)
    assert (misled.damage(values, alone, 4) > misled.damage(values, plain(values, FORMS[0]), 4)).any()


def test_inputs_that_were_always_zero_do_no_harm() -> None:
    silent = Inputs(np.zeros((32, 32), np.float32), np.zeros(32, np.float32), np.zeros((4, 32), np.float32))
    rows = gptq.quantize(drawn_weights(0, 4, 32), FORMS[0], silent)
    assert np.isfinite(rows.scales).all()
