"""Orders from the centre: applied whole or refused whole, and versions only grow."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeslm_agent.contract.desired import Desired, Reporting
from edgeslm_agent.serving.settings import Settings, decide

OWN = Reporting(interval_s=7.0)


def test_an_order_changes_what_it_names_and_leaves_the_rest() -> None:
    decision = decide(Settings(OWN), Desired(1, {"batch_s": 60, "changes": {"temperature_c": 2}}), "b1")
    assert decision.settings.reporting == Reporting(7.0, 60, changes={"temperature_c": 2})
    assert (decision.reported.state, decision.reported.version, decision.reported.applied) == ("applied", 1, 1)
    assert decision.news


def test_a_later_order_replaces_the_earlier_one_whole() -> None:
    first = decide(Settings(OWN), Desired(1, {"batch_s": 60}), "b1").settings
    second = decide(first, Desired(2, {"interval_s": 30}), "b1").settings
    assert second.reporting == Reporting(30)
    assert decide(second, Desired(3, {}), "b1").settings.reporting == OWN


def test_an_order_that_comes_again_is_answered_and_no_news() -> None:
    order = Desired(4, {"batch_s": 60})
    once = decide(Settings(OWN), order, "b1").settings
    again = decide(once, order, "b1")
    assert (again.settings, again.reported.state, again.news) == (once, "applied", False)


@pytest.mark.parametrize(
    ("version", "telemetry", "problem"),
    [
        (3, {"interval_s": 1}, "version 3 is older than 4"),
        (4, {"interval_s": 1}, "version 4 said something else before"),
        (5, {"interval": 1}, "unknown setting interval"),
        (5, {"interval_s": "1"}, "interval_s must be a number from 0.1 to 86400"),
        (5, {"interval_s": 0}, "interval_s must be a number from 0.1 to 86400"),
        (5, {"batch_s": True}, "batch_s must be a number from 0 to 86400"),
        (5, {"compress_above": 1.5}, "compress_above must be a number from 0 to 131072"),
        (5, {"changes": {"wind": 1}}, "changes: no figure is called wind"),
        (5, {"changes": {"temperature_c": -1}}, "changes: the amount of temperature_c must be a number of at least 0"),
        (5, {"changes": ["temperature_c"]}, "changes must name at most 16 figures with their amounts"),
        (5, {"interval_s": 5, "heartbeat_s": None}, "heartbeat_s must be a number from 1 to 86400"),
    ],
)
def test_an_order_with_a_fault_changes_nothing_and_says_why(
    version: int, telemetry: dict[str, Any], problem: str
) -> None:
    before = decide(Settings(OWN), Desired(4, {"batch_s": 60}), "b1").settings
    decision = decide(before, Desired(version, telemetry), "b1")
    assert decision.reported.problems == (problem,)
    assert (decision.reported.state, decision.reported.applied) == ("refused", 4)
    assert decision.settings.reporting == before.reporting
    assert decision.news
    assert not decide(decision.settings, Desired(version, telemetry), "b1").news, "retained, it comes again"


@given(st.lists(st.tuples(st.integers(1, 9), st.sampled_from([{}, {"batch_s": 1}, {"wrong": 1}]))))
def test_the_version_in_force_never_falls(orders: list[tuple[int, dict[str, Any]]]) -> None:
    settings = Settings(OWN)
    for version, telemetry in orders:
        after = decide(settings, Desired(version, telemetry), "b1").settings
        assert after.version >= settings.version
        settings = after
