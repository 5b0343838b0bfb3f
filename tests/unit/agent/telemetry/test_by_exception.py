"""Report by exception: what is kept, and what is not worth a sample."""

from __future__ import annotations

from edgeslm_agent.contract.desired import Reporting
from edgeslm_agent.telemetry.by_exception import ByException

WATCH = Reporting(interval_s=1.0, changes={"temperature_c": 2.0, "throttled": 0.0}, heartbeat_s=60.0)


def kept(samples: list[dict[str, float]], reporting: Reporting = WATCH) -> list[int]:
    watch = ByException()
    return [second for second, figures in enumerate(samples) if watch.keeps(figures, float(second), reporting)]


def test_without_changes_every_sample_is_kept() -> None:
    assert kept([{"temperature_c": 50.0}] * 3, Reporting()) == [0, 1, 2]


def test_a_figure_that_creeps_is_compared_with_the_last_sample_kept() -> None:
    assert kept([{"temperature_c": 50.0 + 0.5 * second} for second in range(12)]) == [0, 5, 10]


def test_an_amount_of_nothing_keeps_every_change() -> None:
    assert kept([{"throttled": float(second in (3, 4))} for second in range(8)]) == [0, 3, 5]


def test_a_figure_that_appears_or_vanishes_is_news_and_others_are_not() -> None:
    assert kept([{}, {"cpu_percent": 9.0}, {"throttled": 0.0}, {"throttled": 0.0}, {}]) == [0, 2, 4]


def test_nothing_new_is_said_once_a_heartbeat() -> None:
    assert kept([{"temperature_c": 50.0}] * 130) == [0, 60, 120]
