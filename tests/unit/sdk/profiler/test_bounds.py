from __future__ import annotations

from dataclasses import replace

import pytest

from edgeslm.catalog import device
from edgeslm.profiler.aim import Limits
from edgeslm.profiler.bounds import broken
from edgeslm.profiler.figure import Figure, exact
from edgeslm.profiler.outlook import Outlook, answer_time
from edgeslm.profiler.task import Task

NANO = device("jetson-nano")
MB = 2**20


def guess(value: float, unit: str) -> Figure:
    return Figure(value, 0.5 * value, 2 * value, unit, "estimated", "jetson-nano")


OUTLOOK = Outlook(guess(400 * MB, "bytes"), guess(2, "s"), guess(10, "tokens/s"), guess(8, "s"))


@pytest.mark.parametrize(
    ("limits", "needed"),
    [
        (Limits(memory_bytes=799 * MB), 800 * MB),
        (Limits(first_token_s=3.9), 4),
        (Limits(answer_s=15.9), 16),
        (Limits(decode_tps=5.1), 5),
    ],
)
def test_the_pessimistic_end_of_a_range_is_what_counts(limits: Limits, needed: float) -> None:
    (found,) = broken(OUTLOOK, NANO, limits, built=False)
    assert found.needed == needed
    assert 1 < found.excess < 1.03
    assert "is asked" in found.reason


@pytest.mark.parametrize(
    "limits",
    [
        Limits(),
        Limits(memory_bytes=800 * MB, first_token_s=4, answer_s=16, decode_tps=5),
    ],
)
def test_bounds_that_are_kept_are_not_mentioned(limits: Limits) -> None:
    assert broken(OUTLOOK, NANO, limits, built=True) == ()


def test_the_boards_memory_is_a_bound_of_its_own() -> None:
    huge = replace(OUTLOOK, peak_bytes=guess(2000 * MB, "bytes"))
    (found,) = broken(huge, NANO, Limits(), built=False)
    assert (found.bound, found.needed, found.allowed) == ("budget", 4000 * MB, NANO.budget_bytes)


def test_measured_figures_are_told_as_seen() -> None:
    seen = replace(OUTLOOK, decode_tps=exact(3, "tokens/s", "measured", "lab/nano"))
    (found,) = broken(seen, NANO, Limits(decode_tps=5), built=True)
    assert found.reason == "writes 3.00 tok/s, 5.00 tok/s at least is asked"


def test_a_divergence_that_nobody_measured_keeps_no_bound_once_built() -> None:
    limits = Limits(kld_mean=0.02)
    assert broken(OUTLOOK, NANO, limits, built=False) == ()
    (unknown,) = broken(OUTLOOK, NANO, limits, built=True)
    assert "not measured" in unknown.reason
    (worse,) = broken(replace(OUTLOOK, kld_mean=0.03), NANO, limits, built=True)
    assert worse.excess == pytest.approx(1.5)
    assert broken(replace(OUTLOOK, kld_mean=0.02), NANO, limits, built=True) == ()


def test_an_unknown_energy_keeps_no_bound_and_says_so() -> None:
    (unknown,) = broken(OUTLOOK, NANO, Limits(energy_j=5), built=False)
    assert "the energy of an answer on jetson-nano is unknown" in unknown.reason
    known = replace(OUTLOOK, energy_j=guess(4, "J"))
    (hungry,) = broken(known, NANO, Limits(energy_j=5), built=False)
    assert hungry.needed == 8
    assert broken(known, NANO, Limits(energy_j=8), built=False) == ()


def test_an_answer_takes_its_first_token_and_a_step_for_each_further_one() -> None:
    answer = answer_time(guess(2, "s"), guess(10, "tokens/s"), Task(100, 31))
    assert (answer.value, answer.low, answer.high) == (5, 1 + 30 / 20, 4 + 30 / 5)
