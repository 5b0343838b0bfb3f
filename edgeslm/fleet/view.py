"""What an operator sees: one row a device, the latest of each and what is worth a look. Pure; no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edgeslm.fleet.flags import DEFAULT_LIMITS, Flag, flags, peers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from edgeslm.fleet.flags import Limits
    from edgeslm.fleet.sightings import Sighting


@dataclass(frozen=True)
class DeviceView:
    """One row: what a device is, what it runs, how it does. `sensors` says what stands behind its figures."""

    device: str
    state: str
    bundle: str | None
    model: str | None
    variant: str | None
    model_state: str | None
    board: str | None
    profile: str | None
    agent: str | None
    boot: str | None
    sample_age_s: float | None
    figures: Mapping[str, float]
    sensors: Mapping[str, str] = field(default_factory=dict)
    flags: tuple[Flag, ...] = ()


def fleet_view(
    sightings: Iterable[Sighting], listened_s: float | None = None, limits: Limits = DEFAULT_LIMITS
) -> tuple[DeviceView, ...]:
    """Return one row a device. `listened_s` is how long the viewer listened; None when it reads a history."""
    every = tuple(sightings)
    among = peers(every)
    return tuple(device_view(one, flags(one, among, listened_s, limits)) for one in every)


def device_view(one: Sighting, flagged: tuple[Flag, ...] = ()) -> DeviceView:
    """Return the row of one device."""
    status, facts = one.status, one.capability
    return DeviceView(
        device=str(one.device),
        state=status.state if status else "unknown",
        bundle=status.bundle if status else None,
        model=status.model if status else None,
        variant=status.variant if status else None,
        model_state=status.model_state if status else None,
        board=facts.board if facts else None,
        profile=(status.profile if status else None) or (facts.profile if facts else None),
        agent=status.agent if status else None,
        boot=one.boot or (status.boot if status else None),
        sample_age_s=one.sample_age_s,
        figures=one.sample.figures if one.sample else {},
        sensors=facts.sensors if facts else {},
        flags=flagged,
    )
