"""What a bundle claims for a board, and the drift against it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from edgeslm_agent.bundle import Bundle, write_evidence
from edgeslm_agent.telemetry.drift import claims, drift

if TYPE_CHECKING:
    from pathlib import Path


def bundle(path: Path) -> Bundle:
    manifest: Any = SimpleNamespace(variant="home_wi4b32")
    return Bundle(path, manifest, "0" * 64)


def winner(variant: str = "home_wi4b32", **parts: object) -> dict[str, Any]:
    return {"winner": {"variant": variant, **parts}}


def speed(value: object, on: str) -> dict[str, object]:
    return {"decode_tps": {"value": value, "on": on, "basis": "estimated"}}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (winner(estimate=speed(20.0, "pi")), {"pi": 20.0}),
        (winner(estimate=speed(20.0, "pi"), measured=speed(16, "pi")), {"pi": 16.0}),
        (winner(estimate=speed(20.0, "pi"), measured=speed(90.0, "host")), {"pi": 20.0, "host": 90.0}),
        (winner("another", estimate=speed(20.0, "pi")), {}),
        (winner(estimate=speed(0, "pi"), measured=speed("fast", "pi")), {}),
        (winner(estimate=[], measured={"decode_tps": {"value": 3.0}}), {}),
        ({"winner": None}, {}),
        ({}, {}),
    ],
)
def test_claims_of_a_selection(tmp_path: Path, document: dict[str, Any], expected: dict[str, float]) -> None:
    write_evidence(bundle(tmp_path), "selection", document)
    assert claims(bundle(tmp_path)) == expected


@pytest.mark.parametrize("content", [None, b"", b"[", b"[]", b"\xff" * 100])
def test_evidence_that_is_absent_or_broken_claims_nothing(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "evidence").mkdir()
        (tmp_path / "evidence/selection.json").write_bytes(content)
    assert claims(bundle(tmp_path)) == {}


def test_drift_is_the_speed_against_the_claim_for_the_named_profile() -> None:
    assert drift(15.0, {"pi": 20.0, "host": 90.0}, "pi") == {"decode_drift": 0.75}
    assert drift(15.0, {"pi": 20.0}, "another") == {}
    assert drift(15.0, {"pi": 20.0}, None) == {}
    assert drift(None, {"pi": 20.0}, "pi") == {}
