"""Tells devices how to report: a retained order each, and what each made of it.

look (1 s): who is there, what was ordered, what is applied ──> order = present order + changes, next version
publish `desired`, retained ──> wait for `reported` of that version from those that are online
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from edgeslm.fleet.client import CONNECT_S, connect
from edgeslm_agent.contract.codec import Malformed
from edgeslm_agent.contract.desired import Desired, Reporting, parse_desired, parse_reported
from edgeslm_agent.contract.status import parse_status
from edgeslm_agent.contract.topics import parse_topic
from edgeslm_agent.errors import TimedOut
from edgeslm_agent.link.endpoint import Endpoint, Patience
from edgeslm_agent.link.transport import Outgoing, Received, SessionOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgeslm.fleet.devices import Devices
    from edgeslm_agent.contract.desired import Reported
    from edgeslm_agent.contract.topics import DeviceId, Leaf
    from edgeslm_agent.link.transport import Transport

_LEAVES: tuple[Leaf, ...] = ("status", "desired", "reported")
_SETTLE_S = 1.0  # retained messages arrive at once; this is for slow links
State = Literal["applied", "refused", "pending", "unknown"]


@dataclass(frozen=True)
class Configured:
    """What became of a device's order; `version` 0 is none.

    `pending`: it has not answered yet, and will when it connects. `unknown`: nobody ordered or answered anything.
    """

    device: str
    state: State
    version: int
    telemetry: Reporting | None = None
    problems: tuple[str, ...] = ()


@dataclass
class _Known:
    online: bool = False
    order: Desired | None = None
    reported: Reported | None = None

    @property
    def version(self) -> int:
        """The highest version anybody has spoken of."""
        said = (self.reported.version, self.reported.applied) if self.reported else (0,)
        return max(self.order.version if self.order else 0, *said)

    def answer(self, device: DeviceId) -> Configured:
        """Return what the device made of its order."""
        version = self.order.version if self.order else 0
        told = self.reported
        if told is None and not version:
            return Configured(str(device), "unknown", 0)
        if told is None or (self.order is not None and told.version != version):
            return Configured(str(device), "pending", version, told.telemetry if told else None)
        return Configured(str(device), told.state, told.version, told.telemetry, told.problems)


@dataclass
class _Round:
    """One conversation with the devices meant."""

    endpoint: Endpoint
    devices: Devices
    known: dict[DeviceId, _Known] = field(default_factory=dict)
    ordered: bool = False

    def listen(self, until: float) -> None:
        """Take messages until a monotonic moment, or until everybody who is online has answered."""
        while (left := until - time.monotonic()) > 0 and not self._all_answered():
            happening = self.endpoint.poll(min(left, 0.2))
            if isinstance(happening, Received):
                self._take(happening)

    def order(self, changes: Mapping[str, Any] | None) -> None:
        """Send everybody who needs one an order."""
        self.ordered = True
        for who, one in self.known.items():
            before = one.order.telemetry if one.order else {}
            wanted = {} if changes is None else {**before, **changes}
            if wanted != before:
                one.order = Desired(one.version + 1, wanted)
                self.endpoint.publish(Outgoing(who.topic("desired"), one.order.payload(), retain=True))

    def _all_answered(self) -> bool:
        online = [(who, one) for who, one in self.known.items() if one.online]
        return self.ordered and bool(online) and all(one.answer(who).state != "pending" for who, one in online)

    def _take(self, message: Received) -> None:
        topic = parse_topic(message.topic)
        if topic is None or not self.devices.covers(topic.owner):
            return
        one = self.known.setdefault(topic.owner, _Known())
        try:
            if topic.leaf == "status":
                one.online = parse_status(message.payload).state == "online"
            elif topic.leaf == "reported":
                one.reported = parse_reported(message.payload)
            elif topic.leaf == "desired" and message.retained:
                one.order = parse_desired(message.payload)
        except Malformed:
            return


def configure(
    transport: Transport, devices: Devices, changes: Mapping[str, Any] | None, wait_s: float
) -> tuple[Configured, ...]:
    """Change the settings named in `changes` (None: take all orders back) and return what each device made of it.

    Nothing in `changes` only looks. Raises TimedOut when no device is known, and LinkError without a broker.
    """
    filters = [devices.filter(leaf) for leaf in _LEAVES]
    name = f"edgeslm-configure-{os.urandom(6).hex()}"
    endpoint = Endpoint(transport, SessionOptions(name), filters, patience=Patience(outbox=100_000, inbox=100_000))
    try:
        connect(endpoint, CONNECT_S)
        talk = _Round(endpoint, devices, {who: _Known() for who in devices.single})
        talk.listen(time.monotonic() + _SETTLE_S)
        if not talk.known:
            raise TimedOut(f"no device of {devices} has been seen on this broker", "edgeslm fleet status lists who has")
        talk.order(changes)
        talk.listen(time.monotonic() + wait_s)
        endpoint.flush(wait_s)
    finally:
        endpoint.close()
    return tuple(one.answer(who) for who, one in sorted(talk.known.items()))
