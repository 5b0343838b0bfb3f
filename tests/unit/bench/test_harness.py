"""Sides take turns, medians are medians, and a child's memory is seen."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from bench.harness import Target, alternate, anonymous_bytes, medians, watch
from support.waiting import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_each_round_starts_with_another_side() -> None:
    order: list[str] = []

    def measure(side: str) -> dict[str, float]:
        order.append(side)
        return {"n": float(len(order))}

    samples = alternate(["a", "b"], measure, rounds=3)
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert medians(samples) == {"a": {"n": 4.0}, "b": {"n": 3.0}}


def test_target_at_its_bound_is_met_and_beyond_it_missed() -> None:
    assert Target("x", 8.0, 8.0, at_least=True).met
    assert not Target("x", 7.99, 8.0, at_least=True).met
    assert Target("x", 250.0, 250.0, at_least=False).line().startswith("met: x 250.00 (at most")
    assert Target("x", 251.0, 250.0, at_least=False).line().startswith("MISSED")


def test_watch_sees_the_anonymous_memory_of_a_grandchild(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = tmp_path / "seen"

    def look(pid: int) -> int:
        size = anonymous_bytes(pid)
        if size > 60_000_000:
            seen.touch()
        return size

    monkeypatch.setattr("bench.harness.anonymous_bytes", look)
    held = f"""
import pathlib, time
block = bytearray(b'x') * 60_000_000
deadline = time.monotonic() + {PATIENCE_S}
while not pathlib.Path({str(seen)!r}).exists() and time.monotonic() < deadline:
    time.sleep(0.01)
"""
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {held!r}], check=True)"
    figures = watch([sys.executable, "-c", parent])
    assert 60 <= figures["peak_anonymous_mb"] <= 110
    assert figures["wall_s"] > 0.0
