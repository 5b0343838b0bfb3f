from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeslm.profiler.calibration import Case, Measurement, calibrate
from edgeslm.profiler.speed import Constants, Work, seconds
from edgeslm.profiler.speed_priors import CONSTANTS, Priors, priors

TYPICAL = Constants(bandwidth=8e9, thread_bandwidth=3e9, thread_rate=5e9, layer_s=1e-4)
TRUE = Constants(bandwidth=8e9, thread_bandwidth=3e9, thread_rate=5e9, layer_s=4e-4, share=0.4)
FREE = Priors({"board": (0.05, 0.05, 0.3, 1.0, 1.0, 0, 0, 0)}, noise=0.02, widening=1.645)


def case(gigabytes: float, layers: float = 24, board: str = "a", threads: float = 4) -> Case:
    return Case(Work(gigabytes * 1e9, gigabytes * 1.6e9, layers, threads), TYPICAL, {"board": board})


def timed(one: Case, truth: Constants = TRUE, error: float = 0.0) -> Measurement:
    return Measurement(one, seconds(one.work, truth) * math.exp(error))


PROBES = [timed(case(size, layers)) for size, layers in ((0.1, 30), (0.3, 24), (0.7, 12), (1.5, 28), (3, 32))]


def test_known_constants_are_recovered_from_what_they_take() -> None:
    found = calibrate(PROBES, FREE)
    for size, layers in ((0.2, 30), (1, 16), (5, 40)):
        wanted = seconds(case(size, layers).work, TRUE)
        assert found.predict(case(size, layers)).seconds == pytest.approx(wanted, rel=0.03)
    assert found.constants(case(1)).share == pytest.approx(TRUE.share, rel=0.1)
    assert found.constants(case(1)).layer_s == pytest.approx(TRUE.layer_s, rel=0.15)


def test_nothing_measured_gives_the_typical_constants_and_a_wide_range() -> None:
    one = calibrate([], FREE).predict(case(1))
    assert one.seconds == pytest.approx(seconds(case(1).work, TYPICAL))
    assert one.high / one.seconds > 4


def test_measurements_narrow_the_range_of_their_board_and_of_no_other() -> None:
    before, after = calibrate([], FREE), calibrate(PROBES, FREE)
    there = case(1, board="b")
    assert after.predict(case(1)).high / after.predict(case(1)).low < 1.2
    assert after.predict(there).seconds == pytest.approx(before.predict(there).seconds)
    assert after.predict(there).high == pytest.approx(before.predict(there).high)


def test_one_row_far_off_moves_the_others_little() -> None:
    spoilt = [*PROBES, timed(case(0.5), error=3)]
    clean, odd = (calibrate(rows, FREE).predict(case(1)).seconds for rows in (PROBES, spoilt))
    assert odd == pytest.approx(clean, rel=0.1)


def test_rows_that_scatter_widen_the_range_of_their_runtime_where_it_stretches() -> None:
    def width(scatter: float, priors: Priors = FREE) -> float:
        signs = [1, -1, 1, -1, 1]
        rows = [timed(one.case, error=sign * scatter) for one, sign in zip(PROBES, signs, strict=True)]
        traits = {"board": "a", "runtime": "r"}
        found = calibrate([replace(row, case=replace(row.case, traits=traits)) for row in rows], priors)
        one = found.predict(replace(case(1), traits=traits))
        return math.log(one.high / one.low)

    assert width(0.25) > 2 * width(0.01)
    firm = replace(FREE, stretched_by=())
    assert width(0.25, firm) < 1.5 * width(0.01, firm)


def test_ranges_hold_nine_of_ten_boards_drawn_from_the_priors() -> None:
    draw = np.random.default_rng(7)
    inside = []
    for _ in range(60):
        off = np.exp(draw.normal(size=len(CONSTANTS)) * FREE.widths["board"])
        truth = Constants(*(getattr(TYPICAL, name) * times for name, times in zip(CONSTANTS, off, strict=True)))
        rows = [timed(one.case, truth, draw.normal() * FREE.noise) for one in PROBES]
        one = calibrate(rows, FREE).predict(case(1, 20))
        measured = seconds(case(1, 20).work, truth) * math.exp(draw.normal() * FREE.noise)
        inside.append(one.low <= measured <= one.high)
    assert 0.8 <= np.mean(inside) <= 0.99


@settings(max_examples=25, deadline=None)
@given(st.floats(0.05, 5), st.floats(1.01, 4))
def test_predictions_grow_with_bytes_and_lie_in_their_range(size: float, times: float) -> None:
    found = calibrate(PROBES, FREE)
    less, more = found.predict_all([case(size), case(size * times)])
    assert less.seconds < more.seconds
    assert less.low < less.seconds < less.high


def test_equal_rows_give_equal_figures() -> None:
    assert calibrate(PROBES, FREE).predict(case(2)) == calibrate(PROBES, FREE).predict(case(2))


def test_shipped_priors_name_every_constant_once() -> None:
    shipped = priors()
    assert 0 < shipped.noise < 0.2
    assert 1.6 < shipped.widening < 2.2
    for constant in ("bandwidth", "thread_bandwidth", "thread_rate", "layer_s", "share"):
        assert any(widths[CONSTANTS.index(constant)] > 0 for widths in shipped.widths.values()), constant
