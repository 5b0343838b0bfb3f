"""What the centre wants of a device's telemetry (`desired`), and what the device made of it (`reported`).

Both are retained, so a device that was away learns the latest and nobody asks it twice. A reader of messages passes
over fields it does not know, but not here: an order that is half understood is refused whole.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from edgeslm_agent.contract import fields
from edgeslm_agent.contract.codec import COMPRESS_ABOVE, MAX_INTEGER, MAX_WIRE_BYTES, Malformed, decode, encode
from edgeslm_agent.contract.figures import FIGURES

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_CHANGES = 16  # figures watched at once
MAX_PROBLEMS = 8
_MAX_SETTINGS = 32
_LONGEST_S = 1e6
_BOUNDS: dict[str, tuple[float, float]] = {  # seconds, seconds, bytes, seconds
    "interval_s": (0.1, 86400.0),
    "batch_s": (0.0, 86400.0),
    "compress_above": (0, MAX_WIRE_BYTES),
    "heartbeat_s": (1.0, 86400.0),
}
Verdict = Literal["applied", "refused"]


@dataclass(frozen=True)
class Reporting:
    """How a device reports.

    `interval_s` between two looks at the sensors; `batch_s` that a sample may wait for others; `compress_above` bytes
    a message is compressed. With `changes` (figure: amount) a sample is kept only when one of the figures moved by
    more than its amount since the last one kept, or `heartbeat_s` have passed.
    """

    interval_s: float = 10.0
    batch_s: float = 0.0
    compress_above: int = COMPRESS_ABOVE
    changes: Mapping[str, float] = field(default_factory=dict)
    heartbeat_s: float = 600.0

    @property
    def silence_s(self) -> float:
        """The longest time between two messages of a device in good order."""
        return (max(self.interval_s, self.heartbeat_s) if self.changes else self.interval_s) + self.batch_s


@dataclass(frozen=True)
class Desired:
    """An order: `telemetry` holds the settings it names; the others are the device's own. Versions only grow."""

    version: int
    telemetry: Mapping[str, Any] = field(default_factory=dict)

    def payload(self) -> bytes:
        """Return the wire form."""
        return encode({"version": self.version, "telemetry": self.telemetry})


@dataclass(frozen=True)
class Reported:
    """The answer to the order `version`: `telemetry` and `applied` are what holds now, with `problems` when refused."""

    boot: str
    version: int
    state: Verdict
    applied: int
    telemetry: Reporting
    problems: tuple[str, ...] = ()

    def payload(self) -> bytes:
        """Return the wire form."""
        return encode(asdict(self))


def parse_desired(payload: bytes) -> Desired:
    """Read an order; whether its settings can be applied is another question. Raises Malformed."""
    document = decode(payload)
    telemetry = document.get("telemetry", {})
    if not isinstance(telemetry, dict) or len(telemetry) > _MAX_SETTINGS:
        raise Malformed("field telemetry")
    return Desired(fields.integer(document, "version", 1, MAX_INTEGER), telemetry)


def parse_reported(payload: bytes) -> Reported:
    """Read an answer. Raises Malformed."""
    document = decode(payload)
    state = fields.label(document, "state")
    telemetry, problems = document.get("telemetry"), document.get("problems", [])
    if state not in get_args(Verdict) or not isinstance(telemetry, dict):
        raise Malformed("field state")
    if not isinstance(problems, list) or len(problems) > MAX_PROBLEMS:
        raise Malformed("field problems")
    return Reported(
        boot=fields.label(document, "boot"),
        version=fields.integer(document, "version"),
        state=cast(Verdict, state),
        applied=fields.integer(document, "applied"),
        telemetry=_reporting(telemetry),
        problems=tuple(fields.label({"problem": one}, "problem") for one in problems),
    )


def _reporting(telemetry: Mapping[str, Any]) -> Reporting:
    """Read what a device says it does, which may lie outside what can be ordered."""
    changes = telemetry.get("changes")
    if not isinstance(changes, dict):
        raise Malformed("field changes")
    seconds = (fields.number(telemetry, name, 0.0, _LONGEST_S) for name in ("interval_s", "batch_s", "heartbeat_s"))
    interval_s, batch_s, heartbeat_s = seconds
    above = fields.integer(telemetry, "compress_above")
    return Reporting(interval_s, batch_s, above, fields.numbers(changes, MAX_CHANGES), heartbeat_s)


def wrong(telemetry: Mapping[str, Any]) -> tuple[str, ...]:
    """Return everything that is wrong with the settings of an order, each as a label; nothing when they can be used."""
    found = []
    for name, value in telemetry.items():
        if name in _BOUNDS:
            low, high = _BOUNDS[name]
            if not _is_number(value, whole=name == "compress_above") or not low <= value <= high:
                found.append(f"{name} must be a number from {low:g} to {high:g}")
        elif name == "changes":
            found.extend(_wrong_changes(value))
        else:
            found.append(f"unknown setting {_shown(name)}")
    return tuple(found[:MAX_PROBLEMS])


def _wrong_changes(value: object) -> list[str]:
    if not isinstance(value, dict) or len(value) > MAX_CHANGES:
        return [f"changes must name at most {MAX_CHANGES} figures with their amounts"]
    unknown = [f"changes: no figure is called {_shown(name)}" for name in value if name not in FIGURES]
    amounts = [name for name, amount in value.items() if not _is_number(amount) or not 0 <= amount <= MAX_INTEGER]
    return unknown + [f"changes: the amount of {_shown(name)} must be a number of at least 0" for name in amounts]


def _is_number(value: object, *, whole: bool = False) -> bool:
    return isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)


def _shown(name: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in name)[:48]
