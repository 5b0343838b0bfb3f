"""The two retained facts about a device: its status (also its last will) and its capability."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from edgeslm_agent.contract import fields
from edgeslm_agent.contract.codec import Malformed, decode, encode

if TYPE_CHECKING:
    from collections.abc import Mapping

Presence = Literal["online", "offline"]
ModelState = Literal["none", "loading", "ready", "failed"]
_MAX_OPERATIONS = 16
_MAX_RUNTIMES = 16
_MAX_SENSORS = 32
_MAX_MEMORY_BYTES = 2**50


@dataclass(frozen=True)
class Status:
    """Whether a device is there and what it runs.

    `boot` names one run of the agent, `session` counts its connections: an offline of an older session is stale.
    `bundle` is the bundle's id; `interval_s` is how often telemetry is due; `t` is the device's clock.
    """

    state: Presence
    boot: str
    session: int
    t: float
    agent: str
    model_state: ModelState
    interval_s: float
    bundle: str | None = None
    model: str | None = None
    variant: str | None = None
    profile: str | None = None

    def payload(self) -> bytes:
        """Return the wire form."""
        return encode({name: value for name, value in asdict(self).items() if value is not None})


@dataclass(frozen=True)
class Capability:
    """What a device is: the machine, the runtimes found on it, and the operations it answers.

    `sensors` names what stands behind the figures that boards measure differently, such as power.
    """

    board: str
    cpu: str
    cores: int
    memory_bytes: int
    system: str
    python: str
    operations: tuple[str, ...]
    runtimes: Mapping[str, str]
    sensors: Mapping[str, str] = field(default_factory=dict)
    profile: str | None = None

    def payload(self) -> bytes:
        """Return the wire form."""
        return encode({name: value for name, value in asdict(self).items() if value is not None})


def parse_status(payload: bytes) -> Status:
    """Read a status. Raises Malformed."""
    document = decode(payload)
    state = fields.label(document, "state")
    model_state = fields.label(document, "model_state")
    if state not in get_args(Presence) or model_state not in get_args(ModelState):
        raise Malformed("field state")
    return Status(
        state=cast(Presence, state),
        boot=fields.label(document, "boot"),
        session=fields.integer(document, "session"),
        t=fields.number(document, "t", 0.0, 2.0**40),
        agent=fields.label(document, "agent"),
        model_state=cast(ModelState, model_state),
        interval_s=fields.number(document, "interval_s", 0.0, 1e6),
        bundle=fields.optional_label(document, "bundle"),
        model=fields.optional_label(document, "model"),
        variant=fields.optional_label(document, "variant"),
        profile=fields.optional_label(document, "profile"),
    )


def parse_capability(payload: bytes) -> Capability:
    """Read a capability. Raises Malformed."""
    document = decode(payload)
    return Capability(
        board=fields.label(document, "board"),
        cpu=fields.label(document, "cpu"),
        cores=fields.integer(document, "cores", 1, 4096),
        memory_bytes=fields.integer(document, "memory_bytes", 0, _MAX_MEMORY_BYTES),
        system=fields.label(document, "system"),
        python=fields.label(document, "python"),
        operations=_operations(document),
        runtimes=_labels(document, "runtimes", _MAX_RUNTIMES),
        sensors=_labels(document, "sensors", _MAX_SENSORS) if "sensors" in document else {},
        profile=fields.optional_label(document, "profile"),
    )


def _operations(document: Mapping[str, Any]) -> tuple[str, ...]:
    value = document.get("operations")
    if not isinstance(value, list) or len(value) > _MAX_OPERATIONS:
        raise Malformed("field operations")
    return tuple(fields.label({"operations": name}, "operations") for name in value)


def _labels(document: Mapping[str, Any], field_name: str, limit: int) -> dict[str, str]:
    value = document.get(field_name)
    if not isinstance(value, dict) or len(value) > limit:
        raise Malformed(f"field {field_name}")
    return {fields.label({"name": name}, "name"): fields.label(value, name) for name in value}
