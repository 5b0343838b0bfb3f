from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeslm_exporters.quantize.blockwise import quantize_rows
from edgeslm_exporters.recipe import BLOCKS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgeslm_exporters.quantized_rows import QuantizedRows

bits_of, symmetric_of, blocks_of = st.sampled_from([4, 8]), st.booleans(), st.sampled_from(BLOCKS)


def values_of(seed: int, columns: int, size: float = 1.0) -> NDArray[np.float32]:
    drawn = np.random.default_rng(seed).standard_t(4, (3, columns)) * size
    return drawn.astype(np.float32)


def padded(values: NDArray[np.float32], like: QuantizedRows) -> NDArray[np.float32]:
    wide = np.zeros((len(values), like.codes[0].size), np.float32)
    wide[:, : values.shape[1]] = values
    return wide.reshape(like.codes.shape)


@given(bits_of, blocks_of, symmetric_of, st.booleans(), st.data())
def test_scales_are_positive_finite_and_exact_in_fp16(
    bits: int, block: int, symmetric: bool, per_row: bool, data: st.DataObject
) -> None:
    values = values_of(
        data.draw(st.integers(0, 99)), data.draw(st.integers(1, 300)), 2.0 ** data.draw(st.integers(-30, 17))
    )
    rows = quantize_rows(values, bits, block, symmetric=symmetric, per_row=per_row)
    assert (rows.scales > 0).all()
    assert np.isfinite(rows.scales).all()
    assert (rows.scales.astype(np.float16).astype(np.float32) == rows.scales).all()
    assert not per_row or (rows.scales == rows.scales[:, :1]).all()


@given(bits_of, blocks_of, symmetric_of, st.integers(1, 300), st.integers(0, 99))
def test_a_weight_is_off_by_half_a_step_and_by_one_at_most_with_a_rounded_zero_point(
    bits: int, block: int, symmetric: bool, columns: int, seed: int
) -> None:
    values = values_of(seed, columns)
    rows = quantize_rows(values, bits, block, symmetric=symmetric)
    blocks = padded(values, rows)
    steps = rows.scales[..., None]
    off = np.abs(rows.dequantize(bits, rows.codes[0].size).reshape(blocks.shape) - blocks)
    # A scale rounded to fp16 moves the outermost code by 2^-11 of its number, a rounded zero point by half a step.
    most = (0.5 if symmetric else 1.0) + 2.0**bits * 2.0**-10
    assert (off <= steps * most).all()


@given(bits_of, symmetric_of, st.integers(0, 99))
def test_codes_stay_in_their_range(bits: int, symmetric: bool, seed: int) -> None:
    rows = quantize_rows(values_of(seed, 96), bits, 32, symmetric=symmetric)
    codes = rows.codes.astype(int)
    if symmetric:
        low, high = (-8, 7) if bits == 4 else (-127, 127)
        codes -= 2 ** (bits - 1)
        assert rows.zero_points is None
    else:
        low, high = 0, 2**bits - 1
        assert rows.zero_points is not None
        assert rows.zero_points.max() <= high
    assert codes.min() >= low
    assert codes.max() <= high


@given(bits_of, blocks_of, symmetric_of, st.integers(1, 300))
def test_zeros_stay_zeros_with_a_positive_scale(bits: int, block: int, symmetric: bool, columns: int) -> None:
    rows = quantize_rows(np.zeros((2, columns), np.float32), bits, block, symmetric=symmetric)
    assert (rows.scales > 0).all()
    assert not rows.dequantize(bits, columns).any()


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("bits", [4, 8])
def test_padding_stands_for_zero(bits: int, *, symmetric: bool) -> None:
    rows = quantize_rows(values_of(0, 172), bits, 32, symmetric=symmetric)
    assert rows.codes.shape == (3, 6, 32)
    assert not rows.dequantize(bits, 192)[:, 172:].any()


@pytest.mark.parametrize(("symmetric", "most"), [(True, 0.0905), (False, 0.0815)])
def test_the_rule_beats_absmax_on_gaussian_weights(most: float, *, symmetric: bool) -> None:
    """Absmax / 7.5 leaves 0.095 in blocks of 32."""
    values = np.random.default_rng(0).standard_normal((64, 1024)).astype(np.float32)
    off = quantize_rows(values, 4, 32, symmetric=symmetric).dequantize(4, 1024) - values
    assert np.linalg.norm(off) / np.linalg.norm(values) < most


def test_the_longer_side_sets_the_scale() -> None:
    """A block that reaches down to -8 may use the code -8, one that reaches up only 7."""
    ramp = np.linspace(0, 1, 32, dtype=np.float32)[None]
    up, down = (quantize_rows(values, 4, 32, symmetric=True).scales[0, 0] for values in (ramp, -ramp))
    assert up == pytest.approx(1 / 7.45, rel=0.01)
    assert down == pytest.approx(1 / 8.45, rel=0.01)


def test_one_value_a_block_is_kept_to_the_precision_of_a_scale() -> None:
    values = np.repeat(np.array([[0.75, -0.3, 1e-5]], np.float32), 32, axis=1)
    for bits in (4, 8):
        found = quantize_rows(values, bits, 32, symmetric=False).dequantize(bits, 96)
        assert np.abs(found / values - 1).max() < 0.02


def test_the_input_is_not_changed() -> None:
    values = values_of(1, 64)
    before = values.copy()
    quantize_rows(values, 4, 32, symmetric=True)
    assert (values == before).all()
