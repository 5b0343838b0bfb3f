"""The operator's client: send a command to a device and await its result, or watch what devices report."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from edgeslm_agent.contract.codec import Malformed
from edgeslm_agent.contract.command import DEFAULT_TTL_S, Command, Result, parse_result
from edgeslm_agent.contract.status import parse_capability, parse_status
from edgeslm_agent.contract.topics import DeviceId, parse_device_id, parse_topic
from edgeslm_agent.errors import TimedOut
from edgeslm_agent.link.endpoint import Endpoint
from edgeslm_agent.link.transport import Connected, Lost, Outgoing, Received, SessionOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

    from edgeslm_agent.contract.command import Operation
    from edgeslm_agent.contract.status import Capability, Status
    from edgeslm_agent.link.endpoint import Happening
    from edgeslm_agent.link.transport import Transport

CONNECT_S = 15.0


class Client:
    """A connection to the broker for one device's command and result. Use it in a `with`; one thread at a time.

    `presence_s` is how long a device may take to show itself: a retained status arrives with the subscription, and an
    agent that is starting gets a moment.
    Raises UsageError for the device's name; Unreachable or Refused when the broker does not take us.
    """

    def __init__(
        self, transport: Transport, device: str | DeviceId, *, connect_s: float = CONNECT_S, presence_s: float = 5.0
    ) -> None:
        self.device = parse_device_id(device) if isinstance(device, str) else device
        name = f"edgeslm-client-{os.urandom(6).hex()}"
        filters = [self.device.topic(leaf) for leaf in ("result", "status", "capability")]
        self._endpoint = Endpoint(transport, SessionOptions(name), filters)
        self._status: Status | None = None
        self.capability: Capability | None = None  # of the device, once it was heard
        self._presence_s = presence_s
        try:
            connect(self._endpoint, connect_s)
        except BaseException:
            self._endpoint.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave the broker."""
        self._endpoint.close()

    def ask(self, prompt: str, *, max_tokens: int | None = None, timeout_s: float = DEFAULT_TTL_S) -> Result:
        """Let the device answer a prompt; returns the result that is done or failed. Raises TimedOut."""
        return self.send("generate", prompt=prompt, max_tokens=max_tokens, timeout_s=timeout_s)

    def send(
        self,
        op: Operation,
        *,
        prompt: str = "",
        max_tokens: int | None = None,
        timeout_s: float = DEFAULT_TTL_S,
        on_accepted: Callable[[], None] = lambda: None,
    ) -> Result:
        """Send one command and return its final result.

        Raises TimedOut saying what is known of the device: never seen, offline, or busy with it.
        """
        self._check_presence()
        command = Command(os.urandom(8).hex(), op, prompt, max_tokens, ttl_s=timeout_s)
        self._endpoint.publish(Outgoing(self.device.topic("command"), command.payload(), expiry_s=timeout_s))
        deadline = time.monotonic() + timeout_s
        accepted = False
        while (left := deadline - time.monotonic()) > 0:
            result = self._result(self._endpoint.poll(left))
            if result is None or result.id != command.id:
                continue
            if result.state != "accepted":
                return result
            if not accepted:
                accepted = True
                on_accepted()
        doing = "accepted the command and is still at it" if accepted else "did not answer"
        hint = "give it more time with --timeout, or ask a smaller thing"
        raise TimedOut(f"{self.device} {doing} after {timeout_s:g} s", hint)

    def presence(self) -> Status:
        """Return what the device runs, by its latest status.

        Raises TimedOut when it was never seen, or is offline.
        """
        self._check_presence()
        while (happening := self._endpoint.poll(0)) is not None:
            self._result(happening)
        assert self._status is not None, "presence was checked"
        return self._status

    def _check_presence(self) -> None:
        deadline = time.monotonic() + self._presence_s
        while not self._online and (left := deadline - time.monotonic()) > 0:
            self._result(self._endpoint.poll(left))
        if self._status is None:
            raise TimedOut(f"{self.device} has never been seen on this broker", "edgeslm fleet status lists who has")
        if not self._online:
            raise TimedOut(f"{self.device} is offline", "start its agent, or look at its power and network")

    @property
    def _online(self) -> bool:
        return self._status is not None and self._status.state == "online"

    def _result(self, happening: Happening | None) -> Result | None:
        if not isinstance(happening, Received) or (topic := parse_topic(happening.topic)) is None:
            return None
        if topic.owner != self.device:  # some brokers hand out retained messages nobody asked for
            return None
        try:
            if topic.leaf == "status":
                self._status = parse_status(happening.payload)
            elif topic.leaf == "capability":
                self.capability = parse_capability(happening.payload)
            elif topic.leaf == "result":
                return parse_result(happening.payload)
        except Malformed:
            return None
        return None


def connect(endpoint: Endpoint, timeout_s: float) -> None:
    """Wait for the first connection. Raises Unreachable or Refused after two failures, TimedOut without an answer."""
    deadline = time.monotonic() + timeout_s
    last: Lost | None = None
    while (left := deadline - time.monotonic()) > 0:
        happening = endpoint.poll(left)
        if isinstance(happening, Connected):
            return
        if isinstance(happening, Lost):
            if last is not None:  # the second chance is for brokers that speak only MQTT 3.1.1
                raise happening.error
            last = happening
    if last is not None:
        raise last.error
    raise TimedOut(f"the broker did not answer in {timeout_s:g} s", "check the URL; ?version=3.1.1 helps an old broker")
