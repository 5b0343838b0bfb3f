"""Watching a broker: reads status, capability and telemetry, never acknowledges a record, changes nothing."""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from edgeslm.fleet.client import CONNECT_S, connect
from edgeslm.fleet.sightings import Sightings
from edgeslm_agent.contract.topics import parse_topic
from edgeslm_agent.link.endpoint import Endpoint, Patience
from edgeslm_agent.link.transport import Received, SessionOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgeslm_agent.contract.status import Capability, Status
    from edgeslm_agent.contract.telemetry import Sample
    from edgeslm_agent.contract.topics import DeviceId, Leaf, Topic
    from edgeslm_agent.link.transport import Transport

_LEAVES: tuple[Leaf, ...] = ("status", "capability", "telemetry")
_SETTLE_S = 1.0  # retained messages arrive at once; this is for slow links
_REMEMBERED = 100_000  # keys of samples already shown


class Watched(Protocol):
    """The devices that are meant: a `Scope`, or what a person named (`Devices`)."""

    def covers(self, device: DeviceId) -> bool:
        """Return whether a device is meant."""

    def filter(self, leaf: Leaf) -> str:
        """Return an MQTT topic filter that has the leaf of all of them."""


@dataclass(frozen=True)
class Reading:
    """One sample as it came by, resent ones left out, with what is known of its device so far."""

    device: DeviceId
    boot: str
    sample: Sample
    status: Status | None = None
    capability: Capability | None = None


def look(transport: Transport, scope: Watched, wait_s: float) -> tuple[Sightings, float]:
    """Listen until every online device has reported, at most `wait_s`; returns what was seen and how long it took.

    Raises Unreachable, Refused or TimedOut when there is no broker.
    """
    sightings = Sightings()
    endpoint = _endpoint(transport, scope)
    try:
        connect(endpoint, CONNECT_S)
        started = time.monotonic()
        while (listened := time.monotonic() - started) < wait_s:
            if listened >= _SETTLE_S and sightings.heard_all():
                break
            happening = endpoint.poll(min(wait_s - listened, 0.2))
            if isinstance(happening, Received) and (topic := _topic(happening, scope)):
                sightings.take(topic, happening.payload, time.monotonic())
        return sightings, time.monotonic() - started
    finally:
        endpoint.close()


def glances(
    transport: Transport, scope: Watched, every_s: float, for_s: float | None = None
) -> Iterator[tuple[Sightings, float]]:
    """Yield what is known by now, and for how long was listened, every `every_s` seconds, for ever or for `for_s`.

    While our own link is down nothing is yielded and what was known is forgotten: it is not the fleet that is silent.
    """
    sightings = Sightings()
    endpoint = _endpoint(transport, scope)
    try:
        connect(endpoint, CONNECT_S)
        started = time.monotonic()
        due, end = started + every_s, float("inf") if for_s is None else started + for_s
        while (now := time.monotonic()) < end:
            if not endpoint.ready:
                sightings, started, due = Sightings(), now, now + every_s
            elif now >= due:
                yield sightings, now - started
                due = time.monotonic() + every_s
            happening = endpoint.poll(min(max(due - now, 0.0), end - now, 1.0))
            if isinstance(happening, Received) and (topic := _topic(happening, scope)):
                sightings.take(topic, happening.payload, time.monotonic())
    finally:
        endpoint.close()


def follow(transport: Transport, scope: Watched, for_s: float | None = None) -> Iterator[Reading]:
    """Yield samples as they come, each once, for ever or for `for_s` seconds; the link is kept alive meanwhile."""
    shown: OrderedDict[tuple[DeviceId, str, int], None] = OrderedDict()
    sightings = Sightings()
    endpoint = _endpoint(transport, scope)
    try:
        connect(endpoint, CONNECT_S)
        deadline = float("inf") if for_s is None else time.monotonic() + for_s
        while (left := deadline - time.monotonic()) > 0:
            happening = endpoint.poll(min(left, 1.0))
            if not isinstance(happening, Received) or (topic := _topic(happening, scope)) is None:
                continue
            telemetry = sightings.take(topic, happening.payload, time.monotonic())
            for sample in telemetry.samples if telemetry else ():
                key = (topic.owner, telemetry.boot if telemetry else "", sample.seq)
                if key not in shown:
                    shown[key] = None
                    if len(shown) > _REMEMBERED:
                        shown.popitem(last=False)
                    who = topic.owner
                    yield Reading(who, key[1], sample, sightings.statuses.get(who), sightings.capabilities.get(who))
    finally:
        endpoint.close()


def _topic(message: Received, scope: Watched) -> Topic | None:
    """Return the topic when it is ours; some brokers hand out retained messages nobody asked for."""
    topic = parse_topic(message.topic)
    return topic if topic is not None and scope.covers(topic.owner) else None


def _endpoint(transport: Transport, scope: Watched) -> Endpoint:
    name = f"edgeslm-view-{os.urandom(6).hex()}"
    return Endpoint(
        transport, SessionOptions(name), [scope.filter(leaf) for leaf in _LEAVES], patience=Patience(inbox=10_000)
    )
