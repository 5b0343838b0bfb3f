"""Samples and events, and the ack that lets a device forget them.

The key of a record is (device, boot, seq): samples and events of one run of the agent share one count, so one ack
serves both, and duplicates or another order change nothing. A sample holds numbers only: a prompt or a completion has
no way in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from edgeslm_agent.contract import fields
from edgeslm_agent.contract.codec import Malformed, decode, encode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edgeslm_agent.contract.ranges import Range

MAX_RECORDS = 500  # in one message
MAX_FIGURES = 64  # in one sample
MAX_RANGES = 1000
MAX_DETAIL = 500  # characters
_FAR_FUTURE = 2.0**40  # seconds: the year 36812
_NOT_FIGURES = frozenset({"seq", "t"})
Level = Literal["info", "warning", "error"]


@dataclass(frozen=True)
class Sample:
    """The figures of one moment. `t` is the device's clock in seconds since 1970; `figures` maps names to numbers."""

    seq: int
    t: float
    figures: Mapping[str, float]

    def document(self) -> dict[str, Any]:
        """Return the JSON form: seq and t beside the figures."""
        return {"seq": self.seq, "t": self.t, **self.figures}


@dataclass(frozen=True)
class Event:
    """Something happened: `kind` is a name from PROTOCOL.md, `detail` one line without prompts or completions."""

    seq: int
    t: float
    kind: str
    level: Level
    detail: str = ""

    def document(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"seq": self.seq, "t": self.t, "kind": self.kind, "level": self.level, "detail": self.detail}


@dataclass(frozen=True)
class Telemetry:
    """One message of samples. `dropped` are tombstones: numbers the spool gave up, so nobody waits for them."""

    boot: str
    samples: tuple[Sample, ...]
    dropped: tuple[Range, ...] = ()

    def payload(self) -> bytes:
        """Return the wire form. Raises Malformed `too big`."""
        body: dict[str, Any] = {"boot": self.boot, "samples": [sample.document() for sample in self.samples]}
        return encode({**body, "dropped": self.dropped} if self.dropped else body)


@dataclass(frozen=True)
class Events:
    """One message of events."""

    boot: str
    events: tuple[Event, ...]

    def payload(self) -> bytes:
        """Return the wire form. Raises Malformed `too big`."""
        return encode({"boot": self.boot, "events": [event.document() for event in self.events]})


@dataclass(frozen=True)
class Ack:
    """What a collector committed: exactly these numbers of this boot, never 'everything up to'."""

    boot: str
    ranges: tuple[Range, ...]

    def payload(self) -> bytes:
        """Return the wire form."""
        return encode({"boot": self.boot, "ranges": self.ranges})


def parse_telemetry(payload: bytes) -> Telemetry:
    """Read a telemetry message. Raises Malformed."""
    document = decode(payload)
    samples = tuple(_sample(item) for item in fields.items(document, "samples", MAX_RECORDS))
    return Telemetry(fields.label(document, "boot"), samples, fields.ranges(document, "dropped", MAX_RANGES))


def parse_events(payload: bytes) -> Events:
    """Read an event message. Raises Malformed."""
    document = decode(payload)
    events = tuple(event(item) for item in fields.items(document, "events", MAX_RECORDS))
    return Events(fields.label(document, "boot"), events)


def parse_ack(payload: bytes) -> Ack:
    """Read an ack. Raises Malformed."""
    document = decode(payload)
    return Ack(fields.label(document, "boot"), fields.ranges(document, "ranges", MAX_RANGES))


def split_ranges(boot: str, ranges: Sequence[Range]) -> list[Ack]:
    """Return as many acks as it takes to list all ranges."""
    return [Ack(boot, tuple(ranges[at : at + MAX_RANGES])) for at in range(0, len(ranges), MAX_RANGES)]


def _sample(item: Mapping[str, Any]) -> Sample:
    return Sample(fields.integer(item, "seq"), _time(item), fields.numbers(item, MAX_FIGURES, _NOT_FIGURES))


def event(item: Mapping[str, Any]) -> Event:
    """Read one event from its JSON form. Raises Malformed."""
    level = fields.label(item, "level")
    if level not in get_args(Level):
        raise Malformed("field level")
    detail = fields.text(item, "detail", MAX_DETAIL) if "detail" in item else ""
    if not detail.isprintable():
        raise Malformed("field detail")
    return Event(fields.integer(item, "seq"), _time(item), fields.label(item, "kind"), cast(Level, level), detail)


def _time(item: Mapping[str, Any]) -> float:
    return fields.number(item, "t", 0.0, _FAR_FUTURE)
