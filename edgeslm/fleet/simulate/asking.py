"""The operator of a simulated fleet: sends commands to devices drawn at random and counts what becomes of them."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from edgeslm.fleet.client import CONNECT_S, connect
from edgeslm.fleet.simulate.device import FLEET, identity_of
from edgeslm_agent.contract.codec import Malformed
from edgeslm_agent.contract.command import Command, parse_result
from edgeslm_agent.contract.topics import Scope
from edgeslm_agent.link.endpoint import Endpoint, Patience
from edgeslm_agent.link.mqtt import MqttTransport
from edgeslm_agent.link.transport import Outgoing, Received, SessionOptions

if TYPE_CHECKING:
    from edgeslm_agent.link.address import Address

_PROMPT = "what is the temperature in the kitchen"
_TTL_S = 30.0


class Asking:
    """Each device is asked once in `every_s` seconds, on average; what is asked of an absent device gets no answer."""

    def __init__(self, address: Address, devices: int, every_s: float, seed: int) -> None:
        self._devices = devices
        self._pause_s = every_s / devices
        self._drawn = random.Random(seed)
        self._open: set[str] = set()
        self.counts = {"asked": 0, "done": 0, "failed": 0}
        self._next = 0.0
        self._endpoint = Endpoint(
            MqttTransport(address),
            SessionOptions("edgeslm-simulation"),
            [Scope(FLEET).filter("result")],
            patience=Patience(longest_wait_s=1.0, outbox=1000, inbox=10_000),
        )
        connect(self._endpoint, CONNECT_S)

    def work(self, until: float, *, ask: bool) -> None:
        """Ask, and take answers, until a monotonic moment."""
        while (now := time.monotonic()) < until:
            if ask and self._endpoint.ready and now >= self._next:
                self._next = max(self._next, now - 1.0) + self._drawn.uniform(0.0, 2.0) * self._pause_s
                self._ask()
            happening = self._endpoint.poll(min(until, self._next if ask else until) - now)
            if isinstance(happening, Received):
                self._take(happening.payload)

    def close(self) -> None:
        """Leave the broker."""
        self._endpoint.close()

    def _ask(self) -> None:
        self.counts["asked"] += 1
        command = Command(f"ask-{self.counts['asked']}", "generate", _PROMPT, 32, _TTL_S)
        self._open.add(command.id)
        device = identity_of(self._drawn.randrange(self._devices))
        self._endpoint.publish(Outgoing(device.topic("command"), command.payload(), expiry_s=_TTL_S))

    def _take(self, payload: bytes) -> None:
        try:
            result = parse_result(payload)
        except Malformed:
            return
        if result.state != "accepted" and result.id in self._open:
            self._open.discard(result.id)
            self.counts[result.state] += 1
