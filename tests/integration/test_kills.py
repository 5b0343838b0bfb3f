"""Broker, collector and agents killed hard, ten times each and more: the short form of `make soak`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.soak import Plan, soak

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
def test_ten_kills_of_each_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    lives = (1.0, 3.0)
    outcome = soak(tmp_path, Plan(10, broker_every_s=1.0, collector_lives_s=lives, agent_lives_s=lives, agents=2))
    certificate, kills = outcome["certificate"], outcome["kills"]
    assert isinstance(certificate, dict)
    assert isinstance(kills, dict)
    assert min(kills.values()) >= 10
    assert set(kills) == {"broker", "collector", "agent"}
    assert (certificate["lost"], certificate["duplicates"]) == (0, 0)
    assert certificate["made"] > 20
    assert outcome["gaps_nobody_named"] == 0
