"""A fleet with identities: an authority, a real Mosquitto on its configuration, a desk, and clients of all kinds."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edgeslm.fleet.broker import find_mosquitto
from edgeslm.fleet.identity import enrolment, pki
from edgeslm.fleet.identity.authority import Authority, Settings, init
from edgeslm.fleet.identity.desk import Desk, serving
from edgeslm_agent.identity import enrolment as device_side
from edgeslm_agent.identity.folder import Record, install
from edgeslm_agent.link.address import parse_address
from edgeslm_agent.link.endpoint import Endpoint
from edgeslm_agent.link.mqtt import MqttTransport
from edgeslm_agent.link.transport import Connected, Lost, Outgoing, Received, SessionOptions
from support.fleet import QUICK
from support.mosquitto import held_port
from support.waiting import PATIENCE_S, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path


@dataclass
class Site:
    """An authority, and the broker and the desk that were started for it."""

    authority: Authority
    held: list[socket.socket] = field(default_factory=list)
    broker: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start Mosquitto on the authority's own configuration."""
        program = find_mosquitto()
        assert program is not None, "Mosquitto is missing: run `make test`, which installs it"
        self.broker = subprocess.Popen(
            [program, "-c", str(self.authority.broker / "mosquitto.conf")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        ports = (self.authority.settings.port, self.authority.settings.operator_port)
        eventually(lambda: all(map(_listens, ports)), "mosquitto listens")

    def stop(self) -> None:
        """End it."""
        if self.broker is not None:
            self.broker.send_signal(signal.SIGTERM)
            self.broker.wait(PATIENCE_S)
            self.broker = None

    def device(self, identity: str, folder: Path, *, now: float | None = None) -> Path:
        """Enrol a device by hand, with a certificate made at `now`, and return its folder of credentials."""
        request = device_side.request(identity, folder)
        made = enrolment.sign(self.authority, identity, request, time.time() if now is None else now)
        install(folder, made.pem, self.authority.certificate(), Record(identity, self.authority.desk_url))
        return folder

    def client(
        self,
        credentials: Path,
        filters: Sequence[str] = (),
        *,
        operator: bool = False,
        options: SessionOptions | None = None,
    ) -> Client:
        """Return a client on the devices' listener, or on the operators'."""
        url = self.authority.operator_url if operator else self.authority.broker_url
        transport = MqttTransport(parse_address(url, credentials))
        return Client(Endpoint(transport, options or SessionOptions(""), filters, patience=QUICK))

    def role(self, name: str, filters: Sequence[str] = ()) -> Client:
        """Return a client with the role's credentials of `init`."""
        return self.client(self.authority.folder / name, filters, operator=True)


class Client:
    """An endpoint that remembers."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.heard: list[Received] = []
        self.connections = 0
        self.losses: list[Lost] = []

    def look(self) -> None:
        """Take what has come."""
        while (happening := self.endpoint.poll(0.02)) is not None:
            if isinstance(happening, Received):
                self.heard.append(happening)
            elif isinstance(happening, Connected):
                self.connections += 1
            elif isinstance(happening, Lost):
                self.losses.append(happening)

    def connected(self) -> Client:
        """Wait until the link stands."""
        self._until(lambda: self.connections > 0, "the client connects")
        return self

    def refused(self) -> Lost:
        """Wait until the broker has said no twice; fail when it ever said yes."""
        self._until(lambda: len(self.losses) > 1, "the client is refused")
        assert self.connections == 0
        return self.losses[0]

    def lost(self) -> None:
        """Wait until the link is lost once more."""
        before = len(self.losses)
        self._until(lambda: len(self.losses) > before, "the link is lost")

    def say(self, topic: str, payload: bytes = b"x", *, retain: bool = False) -> bool:
        """Publish, and return whether the broker took it."""
        dropped = self.endpoint.dropped
        self.endpoint.publish(Outgoing(topic, payload, retain))
        self._until(lambda: not self.endpoint.unconfirmed, "the broker answers")
        return self.endpoint.dropped == dropped

    def hears(self, topic: str, payload: bytes) -> None:
        """Wait for a message."""
        self._until(lambda: any((one.topic, one.payload) == (topic, payload) for one in self.heard), topic)

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        def met() -> bool:
            self.look()
            return condition()

        eventually(met, what)

    @property
    def topics(self) -> set[str]:
        """Return the topics heard."""
        return {one.topic for one in self.heard}


@contextlib.contextmanager
def site(folder: Path, *, broker: bool = True, desk: bool = True, clock: float | None = None) -> Iterator[Site]:
    """Make an authority and run its broker and its desk for the block; the desk's clock may stand at `clock`."""
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(held_port()) for _ in range(3)]
        ports = [one.getsockname()[1] for one in held]
        made = Site(init(folder / "authority", Settings(("localhost", "127.0.0.1"), *ports)), held)
        if desk:
            now = time.time if clock is None else lambda: clock
            stack.enter_context(serving(Desk(made.authority, "127.0.0.1", clock=now)))
        if broker:
            stack.callback(made.stop)
            made.start()
        yield made


def foreign(folder: Path, name: str, authority: Authority) -> Path:
    """Return credentials with the right name from an authority that only its owner knows."""
    pair = pki.new_client(pki.new_authority("edgeslm devices authority", time.time()), name, time.time())
    folder.mkdir(parents=True)
    (folder / "cert.pem").write_bytes(pair.certificate)
    (folder / "key.pem").write_bytes(pair.key)
    (folder / "ca.pem").write_bytes(authority.certificate())
    return folder


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
