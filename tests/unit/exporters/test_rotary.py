from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeslm_exporters.decoder_spec import RopeScaling, Rotary
from edgeslm_exporters.rotary import alibi_slopes, rotary_tables

PLAIN = Rotary(10_000.0, 16)


def test_tables_hold_half_a_head_for_every_position() -> None:
    cosine, sine = rotary_tables(PLAIN, 10)
    assert cosine.shape == sine.shape == (10, 8)
    assert cosine.dtype == sine.dtype == np.float32
    assert (cosine[0] == 1).all()
    assert np.allclose(cosine**2 + sine**2, 1)


def test_the_first_pair_turns_by_one_a_position() -> None:
    assert np.allclose(rotary_tables(PLAIN, 10)[1][:, 0], np.sin(np.arange(10)))


def test_linear_scaling_stretches_every_angle() -> None:
    stretched = replace(PLAIN, scaling=RopeScaling("linear", 2.0))
    assert np.allclose(rotary_tables(stretched, 20)[1][::2], rotary_tables(PLAIN, 10)[1], atol=1e-5)


def test_llama3_scaling_keeps_fast_pairs_and_slows_the_slowest() -> None:
    scaled = replace(PLAIN, scaling=RopeScaling("llama3", 8.0, 1.0, 4.0, 64))
    plain, found = rotary_tables(PLAIN, 100)[1], rotary_tables(scaled, 100)[1]
    assert (found[:, 0] == plain[:, 0]).all()
    assert np.allclose(found[8::8, -1], plain[1:13, -1], atol=1e-5)


def test_yarn_keeps_the_fastest_slows_the_slowest_and_scales_both_tables() -> None:
    scaled = replace(PLAIN, scaling=RopeScaling("yarn", 4.0, 1.0, 32.0, 256, magnitude=1.5))
    (cosine, sine), (plain, _) = rotary_tables(scaled, 100), rotary_tables(PLAIN, 100)
    assert np.allclose(cosine**2 + sine**2, 1.5**2)
    assert np.allclose(cosine[:, 0], 1.5 * plain[:, 0], atol=1e-5)
    assert np.allclose(cosine[4::4, -1], 1.5 * plain[1:25, -1], atol=1e-5)


def test_longrope_takes_its_factors_by_the_length_of_the_context() -> None:
    scaling = RopeScaling("longrope", original_positions=64, short=(1.0,) * 8, long=(2.0,) * 8)
    scaled = replace(PLAIN, scaling=scaling)
    assert (rotary_tables(scaled, 64)[1] == rotary_tables(PLAIN, 64)[1]).all()
    assert np.allclose(rotary_tables(scaled, 66)[1][::2], rotary_tables(PLAIN, 33)[1], atol=1e-5)


@pytest.mark.parametrize(("heads", "slopes"), [(1, (2**-8,)), (4, (2**-2, 2**-4, 2**-6, 2**-8)), (8, (0.5, 0.25))])
def test_slopes_of_a_power_of_two_of_heads_are_a_geometric_row(heads: int, slopes: tuple[float, ...]) -> None:
    assert alibi_slopes(heads)[: len(slopes)] == slopes
    assert len(alibi_slopes(heads)) == heads


def test_other_counts_of_heads_take_every_second_slope_of_twice_as_many() -> None:
    assert alibi_slopes(6) == (*alibi_slopes(4), *alibi_slopes(8)[0:4:2])
