"""What is worth a look at a device, and why. Pure decisions over what was learned of it and of its peers."""

from __future__ import annotations

import statistics
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from edgeslm_agent.units import format_seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from edgeslm.fleet.sightings import Sighting

FlagName = Literal[
    "offline", "silent", "hot", "throttled", "slower than claimed", "failing", "slow", "out of date"
]  # fmt: skip
# those that somebody wants to be woken for; the others say what to do on a quiet day
ALERTS: tuple[FlagName, ...] = ("offline", "silent", "hot", "throttled", "slower than claimed", "failing")


@dataclass(frozen=True)
class Limits:
    """From where on a device is flagged.

    `hot_c`: Raspberry Pi and Jetson boards begin to lower their clocks at 80 to 85 degrees. `claim_share`: of the
    bundle's claimed speed; the range of an estimate reaches down to about half. `failing_share`: failed requests of all
    since the agent started, from `failing_requests` on. `slow_share`: of the median of `slow_peers` devices with the
    same bundle on the same board. `silent_intervals`: samples that may be missing.
    """

    hot_c: float = 80.0
    claim_share: float = 0.5
    failing_share: float = 0.1
    failing_requests: int = 10
    slow_share: float = 0.5
    slow_peers: int = 3
    silent_intervals: float = 3.0


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Flag:
    """Something to look at, and why."""

    name: FlagName
    reason: str


@dataclass(frozen=True)
class Peers:
    """What a device is compared with: speeds by bundle and board, and the newest agent of each fleet."""

    speeds: Mapping[object, Sequence[float]]
    newest: Mapping[str, str]


def peers(every: Iterable[Sighting]) -> Peers:
    """Return what all devices have to tell about each other, in one pass."""
    speeds: dict[object, list[float]] = defaultdict(list)
    newest: dict[str, str] = {}
    for one in every:
        kind, speed = _kind(one), _figure(one, "decode_tps")
        if kind is not None and speed is not None:
            speeds[kind].append(speed)
        if one.status is not None:
            known = newest.setdefault(one.device.fleet, one.status.agent)
            newest[one.device.fleet] = max(known, one.status.agent, key=_version)
    return Peers(speeds, newest)


def flags(
    one: Sighting, among: Peers, listened_s: float | None = None, limits: Limits = DEFAULT_LIMITS
) -> tuple[Flag, ...]:
    """Return what is to be looked at; `listened_s` is how long the viewer listened, None when it reads a history."""
    found = (
        _offline(one),
        _silent(one, listened_s, limits),
        _hot(one, limits),
        _throttled(one),
        _slower_than_claimed(one, limits),
        _failing(one, limits),
        _slow(one, among, limits),
        _out_of_date(one, among),
    )
    return tuple(flag for flag in found if flag)


def _offline(one: Sighting) -> Flag | None:
    if one.status is None or one.status.state == "online":
        return None
    heard = "" if one.sample_age_s is None else f"; its last sample came {format_seconds(one.sample_age_s)} ago"
    return Flag("offline", f"it said so, or its connection broke{heard}")


def _silent(one: Sighting, listened_s: float | None, limits: Limits) -> Flag | None:
    if one.status is None:
        return Flag("silent", "it never published a status")
    if one.status.state == "offline":
        return None
    due = one.status.interval_s
    if one.sample_age_s is not None:
        if one.sample_age_s <= limits.silent_intervals * due:
            return None
        return Flag("silent", f"no sample for {format_seconds(one.sample_age_s)}; one is due every {due:g} s")
    if listened_s is None or listened_s <= due * 1.1:
        return None
    return Flag("silent", f"online, but no telemetry in {listened_s:.0f} s; it is due every {due:g} s")


def _hot(one: Sighting, limits: Limits) -> Flag | None:
    heat = _figure(one, "temperature_c")
    return None if heat is None or heat < limits.hot_c else Flag("hot", f"{heat:.0f} C, {limits.hot_c:.0f} or more")


def _throttled(one: Sighting) -> Flag | None:
    if (_figure(one, "throttled") or 0.0) < 1.0:
        return None
    sensor = one.capability.sensors.get("throttled") if one.capability else None
    return Flag("throttled", "the board lowers its clocks" + (f", say its {sensor}" if sensor else ""))


def _slower_than_claimed(one: Sighting, limits: Limits) -> Flag | None:
    drift, speed = _figure(one, "decode_drift"), _figure(one, "decode_tps")
    if drift is None or drift >= limits.claim_share or drift <= 0.0:
        return None
    claim = "" if speed is None else f"{speed:.1f} tokens/s, its bundle claims {speed / drift:.1f}"
    return Flag("slower than claimed", claim or f"{drift:.2f} of what its bundle claims")


def _failing(one: Sighting, limits: Limits) -> Flag | None:
    requests, failures = _figure(one, "requests") or 0.0, _figure(one, "failures") or 0.0
    if requests < limits.failing_requests or failures < limits.failing_share * requests:
        return None
    return Flag("failing", f"{failures:.0f} of {requests:.0f} requests since its agent started")


def _slow(one: Sighting, peers: Peers, limits: Limits) -> Flag | None:
    own = _figure(one, "decode_tps")
    speeds = peers.speeds.get(_kind(one), ())
    if own is None or len(speeds) < limits.slow_peers:
        return None
    median = statistics.median(speeds)
    return Flag("slow", f"{own:.1f} tokens/s, its peers {median:.1f}") if own < limits.slow_share * median else None


def _out_of_date(one: Sighting, peers: Peers) -> Flag | None:
    newest = peers.newest.get(one.device.fleet)
    if one.status is None or newest is None or _version(one.status.agent) >= _version(newest):
        return None
    return Flag("out of date", f"agent {one.status.agent}, its fleet has {newest}")


def _kind(one: Sighting) -> tuple[str | None, str] | None:
    """Return what makes devices comparable: the same bundle on the same board."""
    return (one.status.bundle, one.capability.board) if one.status and one.capability else None


def _figure(one: Sighting, name: str) -> float | None:
    return one.sample.figures.get(name) if one.sample else None


def _version(text: str) -> tuple[int, ...]:
    numbers = text.split("+", maxsplit=1)[0].split(".")
    return tuple(int(word) if word.isdecimal() else 0 for word in numbers)
