"""The agent: one loop that answers commands, takes samples, keeps them on disk and sends them.

    broker ──command──> desk ──> worker thread (the model) ──report──┐
      ^  └──ack──> uplink ──delete──> spool <──commit── recorder <── loop ── sampler
      └────── status, capability, result, telemetry, event ──────────┘

Everything but the model's work happens in the thread that calls `run`; the worker and the network only post to it.
Nothing here ends the process: a model that fails, a disk that fails and a broker that is away are states, reported.
"""

from __future__ import annotations

import os
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from edgeslm_agent.capability import capability
from edgeslm_agent.contract.codec import Malformed, decode
from edgeslm_agent.contract.command import Result, command_of
from edgeslm_agent.contract.fields import label
from edgeslm_agent.contract.status import Status
from edgeslm_agent.contract.telemetry import parse_ack
from edgeslm_agent.contract.topics import parse_topic
from edgeslm_agent.errors import EnvironmentProblem
from edgeslm_agent.link.endpoint import Endpoint, Patience
from edgeslm_agent.link.inbox import Posted
from edgeslm_agent.link.transport import Connected, Lost, Outgoing, Received, SessionOptions
from edgeslm_agent.serving.desk import NEED_A_PROMPT, Desk
from edgeslm_agent.serving.worker import Finished, Job, ModelFailed, ModelReady, Worker
from edgeslm_agent.telemetry.drift import drift
from edgeslm_agent.telemetry.recent import RecentAnswers
from edgeslm_agent.telemetry.recorder import Recorder
from edgeslm_agent.telemetry.sampler import Sampler
from edgeslm_agent.telemetry.uplink import Uplink

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping, Sequence

    from edgeslm_agent.contract.status import ModelState, Presence
    from edgeslm_agent.contract.telemetry import Level
    from edgeslm_agent.contract.topics import DeviceId, Leaf
    from edgeslm_agent.link.endpoint import Happening
    from edgeslm_agent.link.transport import Transport
    from edgeslm_agent.serving.responder import ModelFacts, Responder
    from edgeslm_agent.telemetry.source import Read
    from edgeslm_agent.telemetry.spool import Spool

DEFAULT_PATIENCE = Patience()
STATUS_S = 60.0  # a retained status is refreshed, so that one lost or overtaken by a late will heals
_RESULT_ROOM = 4  # of the window, kept free of telemetry
_LEAVE_S = 3.0
_DISK_PAUSE_S = 5.0
_LONGEST_NAP_S = 5.0


@dataclass(frozen=True)
class AgentSettings:
    """How an agent behaves: seconds between samples, requests that may wait, and the profile its operator named."""

    interval_s: float = 10.0
    queue: int = 8
    profile: str | None = None
    version: str = "0"
    keepalive_s: int = 60
    patience: Patience = DEFAULT_PATIENCE


@dataclass
class Counters:
    """Totals since the agent started, as they stand in every sample."""

    requests: int = 0
    failures: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    malformed: int = 0
    reconnects: int = 0
    sent_bytes: int = 0
    received_bytes: int = 0


@dataclass
class _Model:
    state: ModelState = "none"
    problem: str = ""
    facts: ModelFacts | None = None
    recent: RecentAnswers = field(default_factory=RecentAnswers)


def client_id(identity: DeviceId) -> str:
    """Return the MQTT client id of a device: a second agent of the same name throws the first one out."""
    return f"edgeslm-{identity.fleet}-{identity.device}"


class Agent:
    """One device. `load` makes the responder (None: an agent without a model), `facts` say what it will be.

    `readers` are the probes, `sensors` what they read from; `trouble` is what opening the spool met, and becomes an
    event; `notice` hears of every change of the status.
    """

    def __init__(
        self,
        identity: DeviceId,
        transport: Transport,
        spool: Spool,
        settings: AgentSettings = AgentSettings(),
        *,
        load: Callable[[], Responder] | None = None,
        facts: ModelFacts | None = None,
        readers: Sequence[Read] = (),
        sensors: Mapping[str, str] | None = None,
        boot: str | None = None,
        trouble: str = "",
        notice: Callable[[Status, str], None] = lambda _status, _text: None,
    ) -> None:
        self._identity = identity
        self._settings = settings
        self._boot = boot or os.urandom(8).hex()
        self._spool = spool
        self._recorder = Recorder(spool, self._boot)
        self._uplink = Uplink(spool)
        self._counters = Counters()
        self._sampler = Sampler([*readers, self._own_figures])
        self._sensors = sensors or {}
        self._desk = Desk(settings.queue)
        self._model = _Model(state="loading" if load else "none", facts=facts)
        self._trouble = trouble
        self._notice = notice
        self._session = 1
        self._endpoint = Endpoint(
            transport,
            SessionOptions(
                f"edgeslm-{identity.fleet}-{identity.device}", keepalive_s=settings.keepalive_s, will=self._will()
            ),
            [identity.topic("command"), identity.topic("ack")],
            patience=settings.patience,
        )
        self._worker = Worker(load, self._endpoint.post) if load else None
        self._next_sample = 0.0
        self._next_status = 0.0
        self._disk_rests_until = 0.0
        self._disk_failed = False

    def run(self, stop: threading.Event) -> None:
        """Serve until `stop` is set (call `wake` then), and leave with a status that says so."""
        self._event("started", "info", f"agent {self._settings.version}")
        if self._trouble:
            self._event("disk_failed", "error", self._trouble)
        if self._worker:
            self._worker.start()
        while not stop.is_set():
            self._react(self._endpoint.poll(self._nap()))
            self._work()
        self._leave()

    def wake(self) -> None:
        """Make `run` look at its stop flag; safe from a signal handler's thread."""
        self._endpoint.post(None)

    # --- the loop ---

    def _nap(self) -> float:
        now = time.monotonic()
        duties = [self._next_sample, self._recorder.due()]
        if self._endpoint.ready:
            duties.append(self._next_status)
            if self._endpoint.room > _RESULT_ROOM:
                duties.append(max(self._uplink.due(), self._disk_rests_until))
        return min(max(min(duties) - now, 0.0), _LONGEST_NAP_S)

    def _work(self) -> None:
        now = time.monotonic()
        if now >= self._next_sample:
            due = self._next_sample + self._settings.interval_s
            self._next_sample = due if due > now else now + self._settings.interval_s  # late samples do not bunch
            self._recorder.sample(self._sampler.read(), round(time.time(), 3), now)
        if now >= self._recorder.due():
            self._commit(now)
        if self._endpoint.ready:
            if now >= self._next_status:
                self._say_status()
            self._send(now)

    def _react(self, happening: Happening | None) -> None:
        if isinstance(happening, Received):
            self._receive(happening)
        elif isinstance(happening, Connected):
            self._came_up()
        elif isinstance(happening, Lost):
            self._went_down(happening)
        elif isinstance(happening, Posted):
            self._report(happening.value)

    # --- the link ---

    def _came_up(self) -> None:
        self._uplink.connected(time.monotonic())
        self._say_status()
        self._say_capability()

    def _say_capability(self) -> None:
        facts = capability(self._settings.profile, self._purpose() if self._worker else (), self._sensors)
        self._publish("capability", facts.payload(), retain=True)

    def _purpose(self) -> tuple[str, ...]:
        """Return the operations the model is for; while nobody could look into the bundle, any it might be for."""
        return self._model.facts.purpose if self._model.facts else NEED_A_PROMPT

    def _went_down(self, lost: Lost) -> None:
        self._session += 1
        self._counters.reconnects += 1
        self._endpoint.set_will(self._will())
        self._notice(
            self._status("offline"),
            f"{lost.error.message} ({lost.error.hint})" if lost.error.hint else lost.error.message,
        )

    def _will(self) -> Outgoing:
        return Outgoing(self._identity.topic("status"), self._status("offline").payload(), retain=True)

    def _say_status(self) -> None:
        self._next_status = time.monotonic() + STATUS_S
        status = self._status("online")
        self._publish("status", status.payload(), retain=True)
        self._notice(status, self._model.problem or "connected")

    def _status(self, state: Presence) -> Status:
        facts = self._model.facts
        return Status(
            state=state,
            boot=self._boot,
            session=self._session,
            t=round(time.time(), 3),
            agent=self._settings.version,
            model_state=self._model.state,
            interval_s=self._settings.interval_s,
            bundle=facts.bundle if facts else None,
            model=facts.model if facts else None,
            variant=facts.variant if facts else None,
            profile=self._settings.profile,
        )

    def _publish(self, leaf: Leaf, payload: bytes, *, retain: bool = False) -> None:
        self._counters.sent_bytes += len(payload)
        self._endpoint.publish(Outgoing(self._identity.topic(leaf), payload, retain))

    # --- messages ---

    def _receive(self, message: Received) -> None:
        self._counters.received_bytes += len(message.payload)
        topic = parse_topic(message.topic)
        if topic is None or topic.owner != self._identity or message.retained:
            return  # some brokers hand out retained messages nobody asked for; a retained command is never obeyed
        try:
            if topic.leaf == "ack":
                self._uplink.acknowledge(parse_ack(message.payload), time.monotonic())
            elif topic.leaf == "command":
                self._command(message.payload)
        except Malformed:
            self._counters.malformed += 1
        except EnvironmentProblem as error:
            self._disk_problem(error.message)

    def _command(self, payload: bytes) -> None:
        document = decode(payload)
        identity = label(document, "id")
        try:
            command = command_of(document)
        except Malformed as error:
            self._counters.malformed += 1
            self._answer(Result(identity, "failed", error=f"the command is malformed: {error.reason}"))
            return
        verdict = self._desk.take(command, self._model.state, self._model.problem, self._purpose())
        self._answer(verdict.result)
        if verdict.work and self._worker:
            self._worker.submit(Job(command, time.monotonic()))

    def _answer(self, result: Result) -> None:
        try:
            payload = result.payload()
        except Malformed:
            payload = b""
        if not payload or len(payload) > self._endpoint.max_payload:
            payload = Result(result.id, "failed", error="the answer does not fit into one message").payload()
        self._publish("result", payload)

    def _report(self, report: object) -> None:
        if isinstance(report, Finished):
            self._finished(report)
        elif isinstance(report, ModelReady):
            self._model = _Model("ready", facts=report.facts)
            self._event("model_ready", "info", f"{report.facts.variant} in {report.load_s:.2f} s")
        elif isinstance(report, ModelFailed):
            self._model = _Model("failed", report.problem, self._model.facts)
            self._event("model_failed", "error", report.problem)
            for identity in self._desk.open:
                self._conclude(Result(identity, "failed", error=f"the model failed to load: {report.problem}"[:500]))
        if isinstance(report, (ModelReady, ModelFailed)) and self._endpoint.ready:
            self._say_status()
            self._say_capability()

    def _finished(self, finished: Finished) -> None:
        result = finished.result
        self._counters.requests += 1
        if result.state == "failed":
            self._counters.failures += 1
            self._event("request_failed", "warning", finished.kind)  # the class only: a message may quote the prompt
        else:
            self._counters.prompt_tokens += int(result.figures.get("prompt_tokens", 0))
            self._counters.completion_tokens += int(result.figures.get("completion_tokens", 0))
            self._model.recent.take(result.figures)
        self._conclude(result)

    def _conclude(self, result: Result) -> None:
        self._desk.say(result)
        self._answer(result)

    # --- telemetry ---

    def _own_figures(self) -> dict[str, float]:
        recent, facts = self._model.recent.figures(), self._model.facts
        return {
            **recent,
            **drift(recent.get("decode_tps"), facts.claims if facts else {}, self._settings.profile),
            **asdict(self._counters),
            "queue_depth": len(self._desk.open),
            "spool_records": self._depth(),
            "drops": self._recorder.drops + self._endpoint.dropped,
        }

    def _depth(self) -> int:
        try:
            return self._spool.depth
        except EnvironmentProblem:
            return 0

    def _event(self, kind: str, level: Level, detail: str = "") -> None:
        self._recorder.event(kind, level, detail, round(time.time(), 3), time.monotonic())

    def _commit(self, now: float) -> None:
        if self._recorder.commit(time.time(), now):
            self._disk_failed = False
        elif not self._disk_failed:
            self._disk_problem(self._recorder.problem or "")

    def _disk_problem(self, problem: str) -> None:
        self._disk_rests_until = time.monotonic() + _DISK_PAUSE_S
        if not self._disk_failed:
            self._disk_failed = True
            self._event("disk_failed", "error", problem)

    def _send(self, now: float) -> None:
        if now < self._disk_rests_until:
            return
        try:
            while self._endpoint.room > _RESULT_ROOM and (batch := self._uplink.next(now, self._endpoint.max_payload)):
                self._publish(batch.leaf, batch.payload)
        except EnvironmentProblem as error:
            self._disk_problem(error.message)

    def _leave(self) -> None:
        """Tell everyone who waits, write down what is left, say goodbye."""
        for identity in self._desk.open:
            self._conclude(Result(identity, "failed", error="the agent stopped"))
        self._event("stopped", "info")
        self._commit(time.monotonic())
        status = self._status("offline")
        if self._endpoint.ready:
            self._publish("status", status.payload(), retain=True)
            self._endpoint.flush(_LEAVE_S)
        self._endpoint.close()
        if self._worker:
            self._worker.stop(_LEAVE_S)
        self._notice(status, "stopped")
