"""Coverage-guided fuzzing of every leaf, half a minute of it; `make soak` goes on for an hour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.fuzz import fuzz
from support.fuzz_targets import SEEDS, WATCHED, Patient

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 25.0


@pytest.mark.slow
def test_nothing_hostile_breaks_a_parser_an_agent_or_a_collector(tmp_path: Path) -> None:
    patient = Patient(tmp_path)
    outcome = fuzz(patient.targets(), SEEDS, WATCHED, SECONDS, seed=2026)
    assert outcome.findings == []
    assert min(outcome.executions.values()) > len(SEEDS)
    assert outcome.corpus > 20, "coverage steers"
    patient.check()


def ladder(payload: bytes) -> None:
    """A fault behind four steps, each of which is one line further."""
    if payload[:1] != b"{":
        return
    if b"NaN" not in payload:
        return
    if b"Infinity" not in payload:
        return
    if b"[[[[" in payload:
        raise IndexError("found")


@pytest.mark.slow
def test_coverage_leads_to_a_fault_behind_several_steps() -> None:
    outcome = fuzz({"ladder": ladder}, SEEDS, ("test_fuzz.py",), 60.0, seed=1)
    assert "found" in outcome.findings[0].problem
    assert outcome.corpus >= 3
