"""What an operator sees: the latest word of every device, and flags with their reasons. Pure; no I/O."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from edgeslm_agent.contract.codec import Malformed
from edgeslm_agent.contract.status import Capability, Status, parse_capability, parse_status
from edgeslm_agent.contract.telemetry import Sample, Telemetry, parse_telemetry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from edgeslm_agent.contract.topics import DeviceId, Topic

FlagName = Literal["silent", "hot", "slow", "out of date"]
HOT_C = 80.0  # Raspberry Pi and Jetson boards begin to lower their clocks at 80 to 85 degrees
SLOW_SHARE = 0.5  # of the median of the same model on the same board
SLOW_PEERS = 3
SILENT_INTERVALS = 3.0


@dataclass(frozen=True)
class Flag:
    """Something to look at, and why."""

    name: FlagName
    reason: str


@dataclass(frozen=True)
class Sighting:
    """What was learned of one device. Ages are seconds on the viewer's clock; None: not heard."""

    device: DeviceId
    status: Status | None = None
    capability: Capability | None = None
    boot: str | None = None
    sample: Sample | None = None
    sample_age_s: float | None = None


@dataclass(frozen=True)
class DeviceView:
    """One row: what a device is, what it runs, how it does."""

    device: str
    state: str
    model: str | None
    variant: str | None
    model_state: str | None
    board: str | None
    profile: str | None
    agent: str | None
    boot: str | None
    sample_age_s: float | None
    figures: Mapping[str, float]
    flags: tuple[Flag, ...] = ()


@dataclass
class Sightings:
    """Collects messages into sightings. `malformed` counts what broke the contract."""

    statuses: dict[DeviceId, Status] = field(default_factory=dict)
    capabilities: dict[DeviceId, Capability] = field(default_factory=dict)
    latest: dict[DeviceId, tuple[str, Sample, float]] = field(default_factory=dict)  # boot, sample, when heard
    malformed: int = 0

    def take(self, topic: Topic | None, payload: bytes, now: float) -> Telemetry | None:
        """Take one message; returns the telemetry it held, if it did."""
        if topic is None:
            self.malformed += 1
            return None
        try:
            if topic.leaf == "status":
                self.statuses[topic.owner] = parse_status(payload)
            elif topic.leaf == "capability":
                self.capabilities[topic.owner] = parse_capability(payload)
            elif topic.leaf == "telemetry":
                telemetry = parse_telemetry(payload)
                for sample in telemetry.samples:
                    self._sample(topic.owner, telemetry.boot, sample, now)
                return telemetry
        except Malformed:
            self.malformed += 1
        return None

    def heard_all(self) -> bool:
        """Return whether every device that is online has reported at least once."""
        online = [who for who, status in self.statuses.items() if status.state == "online"]
        return bool(online) and all(self._current(who) for who in online)

    def sightings(self, now: float) -> tuple[Sighting, ...]:
        """Return what is known of every device, in order of their names."""
        found = []
        for who in sorted({*self.statuses, *self.capabilities, *self.latest}):
            boot, sample, heard = self.latest.get(who, (None, None, now))
            age = None if sample is None else round(now - heard, 1)
            found.append(Sighting(who, self.statuses.get(who), self.capabilities.get(who), boot, sample, age))
        return tuple(found)

    def _sample(self, who: DeviceId, boot: str, sample: Sample, now: float) -> None:
        """Keep the newest: of the boot that the status names when it is known, then by number; backlog arrives late."""
        known = self.latest.get(who)
        if known is not None:
            if known[0] == boot and known[1].seq >= sample.seq:
                return
            if known[0] != boot and self._current(who):
                return
        self.latest[who] = (boot, sample, now)

    def _current(self, who: DeviceId) -> bool:
        status, known = self.statuses.get(who), self.latest.get(who)
        return known is not None and (status is None or known[0] == status.boot)


def fleet_view(sightings: Iterable[Sighting], listened_s: float | None = None) -> tuple[DeviceView, ...]:
    """Return one row a device. `listened_s` is how long the viewer listened; None when it reads a history."""
    every = tuple(sightings)
    return tuple(_row(one, _flags(one, every, listened_s)) for one in every)


def _row(one: Sighting, flags: tuple[Flag, ...]) -> DeviceView:
    status, facts = one.status, one.capability
    return DeviceView(
        device=str(one.device),
        state=status.state if status else "unknown",
        model=status.model if status else None,
        variant=status.variant if status else None,
        model_state=status.model_state if status else None,
        board=facts.board if facts else None,
        profile=(status.profile if status else None) or (facts.profile if facts else None),
        agent=status.agent if status else None,
        boot=one.boot or (status.boot if status else None),
        sample_age_s=one.sample_age_s,
        figures=one.sample.figures if one.sample else {},
        flags=flags,
    )


def _flags(one: Sighting, every: Sequence[Sighting], listened_s: float | None) -> tuple[Flag, ...]:
    found = (_silent(one, listened_s), _hot(one), _slow(one, every), _out_of_date(one, every))
    return tuple(flag for flag in found if flag)


def _silent(one: Sighting, listened_s: float | None) -> Flag | None:
    if one.status is None:
        return Flag("silent", "it never published a status")
    if one.status.state == "offline":
        return Flag("silent", "it is offline")
    patience = SILENT_INTERVALS * one.status.interval_s
    if one.sample_age_s is None:
        if listened_s is None or listened_s <= one.status.interval_s * 1.1:
            return None
        return Flag(
            "silent", f"online, but no telemetry in {listened_s:.0f} s; it is due every {one.status.interval_s:g} s"
        )
    if one.sample_age_s > patience:
        return Flag(
            "silent", f"the last telemetry is {one.sample_age_s:.0f} s old; it is due every {one.status.interval_s:g} s"
        )
    return None


def _hot(one: Sighting) -> Flag | None:
    figures = one.sample.figures if one.sample else {}
    if figures.get("temperature_c", 0.0) >= HOT_C:
        return Flag("hot", f"{figures['temperature_c']:.0f} C, {HOT_C:.0f} or more")
    if figures.get("throttled", 0.0) >= 1.0:
        return Flag("hot", "the board lowers its clocks")
    return None


def _slow(one: Sighting, every: Sequence[Sighting]) -> Flag | None:
    own = _speed(one)
    if own is None or one.status is None:
        return None
    peers = [speed for other in every if _alike(one, other) and (speed := _speed(other)) is not None]
    if len(peers) < SLOW_PEERS:
        return None
    median = statistics.median(peers)
    return Flag("slow", f"{own:.1f} tokens/s, its peers {median:.1f}") if own < SLOW_SHARE * median else None


def _alike(one: Sighting, other: Sighting) -> bool:
    if not (one.status and other.status and one.capability and other.capability):
        return False
    return (one.status.bundle, one.capability.board) == (other.status.bundle, other.capability.board)


def _speed(one: Sighting) -> float | None:
    return one.sample.figures.get("decode_tps") if one.sample else None


def _out_of_date(one: Sighting, every: Sequence[Sighting]) -> Flag | None:
    if one.status is None:
        return None
    fleet = [other.status.agent for other in every if other.status and other.device.fleet == one.device.fleet]
    newest = max(fleet, key=_version)
    if _version(one.status.agent) < _version(newest):
        return Flag("out of date", f"agent {one.status.agent}, its fleet has {newest}")
    return None


def _version(text: str) -> tuple[int, ...]:
    numbers = text.split("+", maxsplit=1)[0].split(".")
    return tuple(int(word) if word.isdecimal() else 0 for word in numbers)
