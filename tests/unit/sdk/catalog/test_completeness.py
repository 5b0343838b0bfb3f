"""Every fact that was collected about a board stands in its profile: word by word, field by field."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from edgeslm.catalog import device, devices

if TYPE_CHECKING:
    from collections.abc import Iterator

FACTS = Path(__file__).parents[5] / "shared" / "data" / "device-facts.yaml"
# Compared as numbers in test_shipped_profiles.py, or words of the collection's own bookkeeping.
ELSEWHERE = {"cpu", "memory", "inherits", "verified", "why", "basis", "source", "idle_source", "test"}
SAID_OTHERWISE = {
    ("jetson-nano", "caveats"): "a Python installed beside the system's does, and 2 GB is --memory 2GB",
    ("jetson-nano", "runtimes"): "'see limits' is 'see the notes on the system'",
    ("hailo-8l-on-pi5", "caveats"): "the profile says so of the module, and plans for the host's CPU",
    ("apple-silicon-mac-mini", "soc"): "the profile is the M4; bandwidths of the others stand under memory",
    ("qualcomm-rb5", "limits"): "'Linux (LU) images' of Ubuntu",
    ("intel-n100", "limits"): "'kernel 6.1+' is 'Linux 6.1 and newer'",
}
REQUIRED = ("temperature", "power")


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    if not FACTS.exists():
        pytest.skip(f"{FACTS} is not on this machine: profiles are compared with it where it is")
    loaded: dict[str, Any] = yaml.safe_load(FACTS.read_text("utf-8"))["devices"]
    return loaded


def words(text: str) -> set[str]:
    return set(re.sub(r"\W+", " ", re.sub(r"\(source: .*?\)", "", text.lower())).split())


def leaves(value: object, place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield (place, text) of everything that is said below `value`."""
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from leaves(entry, place if key == "value" else (*place, str(key)))
    elif isinstance(value, (list, tuple, frozenset)):
        for entry in value:
            yield from leaves(entry, place)
    elif value is not None and not isinstance(value, bool):
        yield place, str(value)


def test_every_collected_fact_is_in_the_profile(facts: dict[str, Any]) -> None:
    missing = []
    for name, board in facts.items():
        said = {word for place, text in leaves(asdict(device(name))) for word in words(f"{' '.join(place)} {text}")}
        for place, text in leaves(board):
            bookkeeping = ELSEWHERE & set(place) or place == ("accelerator", "type")
            absent = words(text) - said
            if absent and not bookkeeping and (name, place[0]) not in SAID_OTHERWISE:
                missing.append(f"{name}: {'.'.join(place)}: {text} (not said: {', '.join(sorted(absent))})")
    assert not missing, "\n".join(missing)


def test_what_is_said_otherwise_is_still_there_to_be_said(facts: dict[str, Any]) -> None:
    assert all(place in facts[name] for name, place in SAID_OTHERWISE)


def test_measured_bandwidths_are_in_the_profile(facts: dict[str, Any]) -> None:
    for name, board in facts.items():
        collected = board.get("memory", {}).get("measured") or []
        numbers = [number for test in collected for number in _gigabytes(test)]
        held = {number for test in device(name).memory.measured for number in (test.low_gb_s, test.high_gb_s)}
        assert not [number for number in numbers if not any(abs(number - one) < 0.006 for one in held)], name


def _gigabytes(test: dict[str, Any]) -> list[float]:
    per_gigabyte = 1000 if "mb_s" in test else 1
    found = test.get("mb_s", test.get("gb_s"))
    values = found if isinstance(found, list) else [found]
    return [value / per_gigabyte for value in values if isinstance(value, (int, float))]


@pytest.mark.parametrize("name", devices())
def test_every_profile_says_what_a_user_needs(name: str) -> None:
    profile = device(name)
    said = dict(profile.read)
    assert all(said.get(what) for what in REQUIRED)
    assert profile.works
    assert profile.litert is not None
    assert profile.litert.how
    assert profile.caveats
    assert profile.accelerator.type == "none" or profile.accelerator.name or profile.accelerator.figures
    assert profile.memory.theoretical_gb_s is not None or profile.kind == "computer"
