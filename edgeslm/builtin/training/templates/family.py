"""What a family of templates is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """Sentences with one action.

    `base` is what every sentence means before its slots add to it, `devices` what {t} and {d} may be (with weights),
    `room` how often {t} names a room, `when` whether a time may be added, `share` a factor on how often it is drawn.
    """

    name: str
    base: dict[str, str]
    templates: tuple[str, ...]
    devices: tuple[tuple[str, float], ...] = ()
    room: float = 0.7
    when: bool = True
    share: float = 1.0
    whole: float = 0.08


def family(
    name: str,
    base: str,
    table: str,
    *,
    devices: str = "",
    room: float = 0.7,
    when: bool = True,
    share: float = 1.0,
    whole: float = 0.08,
) -> Family:
    """A family from its table: one template per line, blank lines ignored."""
    lines = tuple(line.strip() for line in table.strip().splitlines() if line.strip())
    weighted = tuple((key, float(weight or 1)) for key, _, weight in (word.partition(":") for word in devices.split()))
    return Family(name, constants(base), lines, weighted, room, when, share, whole)


def constants(text: str) -> dict[str, str]:
    """The pairs of "action=set device=light" as a dictionary."""
    return dict(pair.split("=", 1) for pair in text.split())
