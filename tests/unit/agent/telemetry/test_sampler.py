"""One sample of all readers: failures, two sources of one figure, what no message can hold, energy per token."""

from __future__ import annotations

import pytest

from edgeslm_agent.telemetry.sampler import Sampler


def test_reader_that_fails_is_counted_and_the_others_are_heard() -> None:
    def broken() -> dict[str, float]:
        raise OSError("driver gone")

    sampler = Sampler([broken, lambda: {"a": 1.0, "b": float("nan")}])
    assert sampler.read() == {"a": 1.0, "probe_failures": 1}
    assert sampler.read()["probe_failures"] == 2


def test_greater_of_two_sources_counts() -> None:
    readers = [lambda: {"throttled": 1.0, "temperature_c": 50.0}, lambda: {"throttled": 0.0, "temperature_c": 61.0}]
    assert Sampler(readers).read() == {"throttled": 1.0, "temperature_c": 61.0}


def test_number_that_no_message_can_hold_is_left_out() -> None:
    assert Sampler([lambda: {"a": 10**400, "b": 2**63, "c": float("inf"), "d": -(2**62)}]).read() == {"d": -(2**62)}


class Board:
    """Figures and a clock that a test moves."""

    def __init__(self, **figures: float) -> None:
        self.now = 0.0
        self.figures = dict(figures)
        self._sampler = Sampler([lambda: dict(self.figures)], lambda: self.now)

    def after(self, seconds: float, **figures: float) -> float | None:
        self.now += seconds
        self.figures.update(figures)
        return self._sampler.read().get("energy_per_token_j")


def test_counted_energy_is_shared_by_the_tokens_of_the_interval() -> None:
    board = Board(energy_j=100.0, completion_tokens=7, power_w=1.0)
    assert board.after(0.0) is None
    assert board.after(10.0, energy_j=150.0, completion_tokens=32) == 2.0
    assert board.after(10.0, energy_j=170.0) == 2.0
    assert board.after(10.0, energy_j=180.0, completion_tokens=42) == 1.0


def test_sampled_power_is_the_mean_of_both_ends() -> None:
    board = Board(power_w=4.0, completion_tokens=0)
    board.after(0.0)
    assert board.after(10.0, power_w=8.0, completion_tokens=30) == 2.0


def test_long_answer_carries_its_energy_until_its_tokens_are_counted() -> None:
    board = Board(energy_j=0.0, completion_tokens=0, queue_depth=0)
    board.after(0.0)
    assert board.after(10.0, energy_j=1000.0) is None  # idle: forgotten
    assert board.after(10.0, energy_j=1020.0, queue_depth=1) is None
    assert board.after(10.0, energy_j=1040.0) is None
    assert board.after(10.0, energy_j=1060.0, queue_depth=0, completion_tokens=30) == 2.0


@pytest.mark.parametrize("gone", ["energy_j", "power_w"])
def test_gap_in_the_sensor_is_no_figure(gone: str) -> None:
    board = Board(**{gone: 5.0}, completion_tokens=0)
    board.after(0.0)
    del board.figures[gone]
    assert board.after(10.0, completion_tokens=10) is None
    assert board.after(10.0, **{gone: 9.0}, completion_tokens=20) is None
    assert board.after(10.0, **{gone: 9.0}, completion_tokens=30) is not None
