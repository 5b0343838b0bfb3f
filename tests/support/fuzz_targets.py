"""What is fuzzed: every leaf as each side reads it, an agent and a collector that stay alive meanwhile."""

from __future__ import annotations

import contextlib
import json
import resource
from typing import TYPE_CHECKING

from edgeslm.fleet.collector import Collector
from edgeslm.fleet.history import History
from edgeslm.fleet.sightings import Sightings
from edgeslm_agent.agent import Agent, AgentSettings
from edgeslm_agent.contract.codec import Malformed, encode
from edgeslm_agent.contract.command import Command, Result, parse_command, parse_result
from edgeslm_agent.contract.desired import Desired, Reported, Reporting, parse_desired, parse_reported
from edgeslm_agent.contract.status import Capability, Status, parse_capability, parse_status
from edgeslm_agent.contract.telemetry import (
    Ack,
    Event,
    Events,
    Sample,
    Telemetry,
    parse_ack,
    parse_events,
    parse_telemetry,
)
from edgeslm_agent.contract.topics import DeviceId, parse_topic
from edgeslm_agent.link.memory import MemoryBroker
from edgeslm_agent.link.transport import Outgoing, Received, SessionOptions
from edgeslm_agent.serving.desk import REMEMBERED
from edgeslm_agent.serving.responder import Echo
from edgeslm_agent.telemetry.spool import Spool
from support.hostile import HOSTILE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edgeslm_agent.contract.topics import Leaf

WATCHED = ("/contract/", "/serving/", "/telemetry/", "edgeslm_agent/agent.py", "fleet/collector.py", "sightings.py")
MOST_GROWTH_MB = 96  # resident, of both together, over a run of any length
DEVICE = DeviceId("home", "kitchen")
_COMMIT_EVERY = 400
_PARSERS: dict[Leaf, Callable[[bytes], object]] = {
    "status": parse_status,
    "capability": parse_capability,
    "telemetry": parse_telemetry,
    "event": parse_events,
    "result": parse_result,
    "reported": parse_reported,
    "desired": parse_desired,
    "command": parse_command,
    "ack": parse_ack,
}
SEEDS = [
    Status("online", "b1", 1, 5.0, "1.0", "ready", 10.0, "f" * 64, "home", "v", "p").payload(),
    Capability("Pi", "arm", 4, 2**32, "Linux", "3.11", ("ping",), {"onnxruntime": "1.2"}, {"power_w": "x"}).payload(),
    Telemetry("b1", (Sample(1, 5.0, {"cpu_percent": 1.0}), Sample(2, 6.0, {})), ((3, 9),)).payload(),
    Events("b1", (Event(3, 5.0, "started", "info", "agent 1"),)).payload(),
    Ack("b1", ((1, 2), (4, 9))).payload(),
    Command("1", "generate", "hello there", 5, 60.0).payload(),
    Result("1", "done", "text", None, {"decode_tps": 5.0}, (0.5, 1.0)).payload(),
    Desired(1, {"interval_s": 5, "batch_s": 1, "changes": {"temperature_c": 1}, "heartbeat_s": 9}).payload(),
    Reported("b1", 2, "refused", 1, Reporting(), ("unknown setting x",)).payload(),
    encode({"boot": "b1", "samples": [{"seq": seq, "t": 5.0, "a": seq} for seq in range(400)]}),
    *HOSTILE,
]


class Patient:
    """An agent and a collector on one broker, fed by hand; `check` says whether they are as healthy as before."""

    def __init__(self, folder: Path) -> None:
        self._broker = MemoryBroker()
        self._spool = Spool(None)
        self._agent = Agent(DEVICE, self._broker, self._spool, AgentSettings(Reporting(3600.0)), load=Echo, boot="b1")
        self._agent.begin()
        self._history = History(folder / "fleet.sqlite")
        self._collector = Collector(self._broker, self._history)
        self._answers: list[Received] = []
        self._ear = self._broker.open(SessionOptions("ear", receive_maximum=10**9), self._hear)
        self._ear.subscribe([DEVICE.topic("result")])
        self._agent.step()
        self._taken = 0
        self._before_mb = _resident_mb()

    def targets(self) -> dict[str, Callable[[bytes], object]]:
        """One a leaf for the parsers, one a leaf for the agent and for the collector."""
        parsers = {f"parse {leaf}": _parser(parse) for leaf, parse in _PARSERS.items()}
        agent = {f"agent {leaf}": self._device_target(leaf) for leaf in ("command", "ack", "desired")}
        collector = {
            f"collector {leaf}": self._collector_target(leaf)
            for leaf in ("telemetry", "event", "status", "capability", "log", "reported")
        }
        return {**parsers, **agent, **collector, "viewer": self._view}

    def check(self) -> None:
        """The agent answers, its memory is bounded, and the collector's history takes what it was given."""
        self._commit()
        self._broker.publish(Outgoing(DEVICE.topic("command"), Command("the last", "ping").payload()))
        for _ in range(50):
            self._agent.step()
        assert any(b'"the last"' in one.payload for one in self._answers)
        assert len(self._agent._desk._known) <= REMEMBERED + 16
        assert self._spool.tombstones() == {}
        assert _resident_mb() - self._before_mb < MOST_GROWTH_MB
        assert self._history.totals()["messages"] == self._taken
        self._agent.abandon()
        self._history.close()

    def _device_target(self, leaf: Leaf) -> Callable[[bytes], object]:
        def target(payload: bytes) -> None:
            self._agent._receive(Received(DEVICE.topic(leaf), payload))
            self._agent.step()

        return target

    def _collector_target(self, leaf: Leaf) -> Callable[[bytes], object]:
        def target(payload: bytes) -> None:
            self._collector._take(Received(DEVICE.topic(leaf), payload))
            self._taken += 1
            if self._taken % _COMMIT_EVERY == 0:
                self._commit()

        return target

    def _view(self, payload: bytes) -> None:
        for leaf in ("status", "capability", "telemetry"):
            Sightings().take(parse_topic(f"edgeslm/v1/home/kitchen/{leaf}"), payload, 5.0)

    def _commit(self) -> None:
        self._collector._commit()

    def _hear(self, event: object) -> bool:
        if isinstance(event, Received):
            self._answers = [*self._answers[-50:], event]
        return True


def _parser(parse: Callable[[bytes], object]) -> Callable[[bytes], object]:
    """A parser refuses with Malformed and nothing else; what it takes, it takes again in the form we write."""

    def target(payload: bytes) -> None:
        with contextlib.suppress(Malformed):
            document = parse(payload)
            again = parse(document.payload())  # type: ignore[attr-defined]
            assert repr(again) == repr(document), json.dumps(repr(document))

    return target


def _resident_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
