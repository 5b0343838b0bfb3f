"""One simulated device: the agent's own code on a spool of its own, with a clock that jumps and a plug to pull."""

from __future__ import annotations

import json
import random
import time
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeslm_agent.agent import Agent, AgentSettings
from edgeslm_agent.contract.ranges import ranges_of
from edgeslm_agent.contract.topics import DeviceId
from edgeslm_agent.link.mqtt import MqttTransport
from edgeslm_agent.serving.responder import Answer, ModelFacts
from edgeslm_agent.state import keep_order, read_order, spool_file
from edgeslm_agent.telemetry.sampler import probes, sensors
from edgeslm_agent.telemetry.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edgeslm.fleet.simulate.ledger import Ledger
    from edgeslm_agent.contract.desired import Reporting
    from edgeslm_agent.contract.ranges import Range
    from edgeslm_agent.link.address import Address
    from edgeslm_agent.link.loop import SocketLoop
    from edgeslm_agent.link.mqtt import MqttConnection
    from edgeslm_agent.link.transport import SessionOptions, Sink
    from edgeslm_agent.telemetry.spool import Record

FLEET = "simulated"
_VERSION = "simulated"


def identity_of(number: int) -> DeviceId:
    """Return the name of a device."""
    return DeviceId(FLEET, f"{number:06d}")


class RecordedModel:
    """Answers in the time that a real model took, with its figures; the text is the prompt's first words."""

    def __init__(self, recorded: Mapping[str, Any], seed: int) -> None:
        self.facts = ModelFacts("0" * 64, recorded["model"], recorded["variant"])
        self._answers = recorded["answers"]
        self._drawn = random.Random(seed)

    def answer(self, prompt: str, max_tokens: int | None) -> Answer:
        """Wait as long as the recorded answer took."""
        figures = self._drawn.choice(self._answers)
        time.sleep(figures["first_token_s"] + figures["completion_tokens"] / figures["decode_tps"])
        return Answer(" ".join(prompt.split()[:max_tokens]), figures)

    def measure(self) -> Mapping[str, float]:
        """Return one recorded answer's figures."""
        figures: Mapping[str, float] = self._drawn.choice(self._answers)
        return figures

    def close(self) -> None:
        """Nothing to give back."""


class Plug:
    """A transport whose connection can be ended as a power cut ends it: without a word to the broker."""

    def __init__(self, transport: MqttTransport) -> None:
        self._transport = transport
        self._connection: MqttConnection | None = None

    @property
    def name(self) -> str:
        """The broker's address."""
        return self._transport.name

    def open(self, options: SessionOptions, sink: Sink) -> MqttConnection:
        """Connect."""
        self._connection = self._transport.open(options, sink)
        return self._connection

    def pull(self) -> None:
        """End it."""
        if self._connection is not None:
            self._connection.cut()


class _WitnessedSpool(Spool):
    """A spool that notes in a ledger what it has on disk, or gave up before."""

    def __init__(self, path: Path, ledger: Ledger, device: str) -> None:
        super().__init__(path)
        self._ledger = ledger
        self._device = device

    def append(self, records: Sequence[Record], gone: Sequence[tuple[str, Range]] = ()) -> None:
        super().append(records, gone)
        for boot in {record.boot for record in records}:
            self._ledger.add(self._device, boot, ranges_of(one.seq for one in records if one.boot == boot))
        for boot, missing in gone:
            self._ledger.add(self._device, boot, [missing])


class Device:
    """A device that can be rebooted and whose clock can be set; `step` runs its agent."""

    def __init__(
        self, number: int, folder: Path, address: Address, *, loop: SocketLoop, ledger: Ledger,
        reporting: Reporting, alarm: Callable[[], None],
    ) -> None:  # fmt: skip
        self.identity = identity_of(number)
        self._folder = folder / self.identity.device
        self._folder.mkdir()
        self._number = number
        self._address = address
        self._loop = loop
        self._ledger = ledger
        self._settings = AgentSettings(reporting, version=_VERSION)
        self._alarm = alarm
        self._clock_off_s = 0.0
        self._mark = 0
        self.boots = 0
        self._boot()

    @property
    def connected(self) -> bool:
        """Whether the agent's link is up."""
        return self._agent.connected

    @property
    def settled(self) -> bool:
        """Whether nothing that was on disk at the `mark` waits for an ack any more."""
        oldest = self._spool.after(0, 1, 1)
        return not (oldest and oldest[0].id <= self._mark) and not self._spool.tombstones()

    def mark(self) -> None:
        """Remember what is on disk now."""
        self._mark = self._spool.last_id

    def step(self) -> float:
        """Let the agent work; return when it wants to be called again."""
        return self._agent.step()

    def set_clock(self, by_s: float) -> None:
        """Move the wall clock."""
        self._clock_off_s = max(self._clock_off_s + by_s, -time.time())  # not before 1970

    def reboot(self) -> None:
        """Cut the power: the link breaks without a word, what was not on disk is forgotten, the agent starts anew."""
        self._plug.pull()
        self._agent.abandon()
        self._spool.close()
        self._boot()

    def _boot(self) -> None:
        self.boots += 1
        self._plug = Plug(MqttTransport(self._address, self._loop))
        self._spool = _WitnessedSpool(spool_file(self._folder), self._ledger, str(self.identity))
        sources = probes(Path("/"))
        self._agent = Agent(
            self.identity, self._plug, self._spool, self._settings,
            load=lambda: RecordedModel(recorded(), self._number), readers=[source.read for source in sources],
            sensors=sensors(sources), order=read_order(self._folder),
            keep=lambda order: keep_order(self._folder, order),
            wall=lambda: max(time.time() + self._clock_off_s, 0.0), alarm=self._alarm,
        )  # fmt: skip
        self._agent.begin()


def recorded() -> Mapping[str, Any]:
    """Return the timings of real answers: the built-in model on the machine that the file names."""
    text = files(__package__).joinpath("timings.json").read_text(encoding="utf-8")
    document: Mapping[str, Any] = json.loads(text)
    return document
