"""A client that hears everything on an in-process broker, and can speak."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from edgeslm_agent.contract.codec import Malformed
from edgeslm_agent.contract.command import Command, Result, parse_result
from edgeslm_agent.contract.topics import DeviceId
from edgeslm_agent.link.transport import Outgoing, Received, SessionOptions
from support.waiting import eventually

if TYPE_CHECKING:
    from edgeslm_agent.link.memory import MemoryBroker
    from edgeslm_agent.link.transport import Event

KITCHEN = DeviceId("home", "kitchen")


class Ear:
    """A client that hears everything on the broker, and can speak."""

    def __init__(self, broker: MemoryBroker) -> None:
        self.heard: list[Received] = []
        self._connection = broker.open(SessionOptions("ear", receive_maximum=10**9), self._take)
        self._connection.subscribe(["#"])

    def _take(self, event: Event) -> bool:
        if isinstance(event, Received):
            self.heard.append(event)
        return True

    def payloads(self, leaf: str, device: DeviceId = KITCHEN) -> list[bytes]:
        return [one.payload for one in self.heard if one.topic == f"edgeslm/v1/{device}/{leaf}"]

    def say(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        self._connection.publish(Outgoing(topic, payload, retain))

    def command(self, command: Command) -> None:
        self.say(KITCHEN.topic("command"), command.payload())

    def results(self, identity: str) -> list[Result]:
        found = []
        for payload in self.payloads("result"):
            with contextlib.suppress(Malformed):
                found.append(parse_result(payload))
        return [one for one in found if one.id == identity]

    def final(self, identity: str) -> Result:
        eventually(
            lambda: [one for one in self.results(identity) if one.state != "accepted"], f"a result of {identity}"
        )
        return next(one for one in self.results(identity) if one.state != "accepted")
