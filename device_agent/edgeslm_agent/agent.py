"""The agent: one loop that answers commands, takes samples, keeps them on disk and sends them.

    broker ──command──> desk ──> worker thread (the model) ──report──┐
      ^  └──ack──> reporter ──> spool on disk                       loop
      ├──desired──> settings                                         │
      └────── status, capability, reported, result, telemetry, event ┘

Everything but the model's work happens in the thread that calls `run`, or `step` in turn with other agents; the worker
and the network only post to it.
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
from edgeslm_agent.contract.desired import Reporting, parse_desired
from edgeslm_agent.contract.fields import label
from edgeslm_agent.contract.status import Status
from edgeslm_agent.contract.telemetry import parse_ack
from edgeslm_agent.contract.topics import parse_topic
from edgeslm_agent.link.endpoint import Endpoint, Patience
from edgeslm_agent.link.inbox import Posted
from edgeslm_agent.link.transport import Connected, Lost, Outgoing, Received, SessionOptions
from edgeslm_agent.serving.desk import NEED_A_PROMPT, Desk
from edgeslm_agent.serving.refusals import Refusals
from edgeslm_agent.serving.settings import Settings, decide
from edgeslm_agent.serving.worker import Finished, Job, ModelFailed, ModelReady, Worker
from edgeslm_agent.telemetry.drift import drift
from edgeslm_agent.telemetry.recent import RecentAnswers
from edgeslm_agent.telemetry.reporter import Reporter

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping, Sequence

    from edgeslm_agent.contract.desired import Desired
    from edgeslm_agent.contract.status import ModelState, Presence
    from edgeslm_agent.contract.telemetry import Ack
    from edgeslm_agent.contract.topics import DeviceId, Leaf, Topic
    from edgeslm_agent.link.endpoint import Happening
    from edgeslm_agent.link.transport import Transport
    from edgeslm_agent.serving.responder import ModelFacts, Responder
    from edgeslm_agent.telemetry.source import Read
    from edgeslm_agent.telemetry.spool import Spool

DEFAULT_PATIENCE = Patience()
DEFAULT_REPORTING = Reporting()
STATUS_S = 60.0  # a retained status is refreshed, so that one lost or overtaken by a late will heals
_RESULT_ROOM = 4  # of the window, kept free of telemetry
_LEAVE_S = 3.0
_LONGEST_NAP_S = 5.0
_MOST_AT_ONCE = 64  # messages between two looks at the clock, so that a flood does not stop the samples


@dataclass(frozen=True)
class AgentSettings:
    """How an agent behaves until it is ordered otherwise, requests that may wait, the profile its operator named."""

    reporting: Reporting = DEFAULT_REPORTING
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
    event; `notice` hears of every change of the status. `order` is what `keep` was given in an earlier run: the last
    settings from the centre. `wall` is the device's clock; `alarm` is for an owner that calls `step`, see `Endpoint`.
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
        order: Desired | None = None,
        keep: Callable[[Desired], None] = lambda _order: None,
        wall: Callable[[], float] = time.time,
        alarm: Callable[[], None] = lambda: None,
    ) -> None:
        self._identity = identity
        self._settings = settings
        self._boot = boot or os.urandom(8).hex()
        self._wall = wall
        self._keep = keep
        self._orders = Settings(settings.reporting, order)
        self._reporter = Reporter(spool, self._boot, [*readers, self._own_figures], self._orders.reporting, wall)
        self._counters = Counters()
        self._refusals = Refusals()
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
            [identity.topic("command"), identity.topic("ack"), identity.topic("desired")],
            patience=settings.patience,
            alarm=alarm,
        )
        self._worker = Worker(load, self._endpoint.post) if load else None
        self._next_status = 0.0

    def run(self, stop: threading.Event) -> None:
        """Serve until `stop` is set (call `wake` then), and leave with a status that says so."""
        self.begin()
        while not stop.is_set():
            self._endpoint.rest(self.step() - time.monotonic())
        self._leave()

    def begin(self) -> None:
        """Say that the agent started; `step` follows, again and again."""
        self._reporter.event("started", "info", f"agent {self._settings.version}")
        if self._trouble:
            self._reporter.event("disk_failed", "error", self._trouble)
        if self._worker:
            self._worker.start()

    def step(self) -> float:
        """Do what is due without waiting; return the monotonic moment for the next call if nothing arrives before."""
        for _ in range(_MOST_AT_ONCE):
            happening = self._endpoint.poll(0.0)
            if happening is None:
                break
            self._react(happening)
        self._work()
        return self._due()

    @property
    def connected(self) -> bool:
        """Whether the link is up and subscribed."""
        return self._endpoint.ready

    def abandon(self) -> None:
        """Say nothing more and write nothing down: what a power cut leaves of an agent. `step` is not called again."""
        if self._worker:
            self._worker.stop(0.0)

    def wake(self) -> None:
        """Make `run` look at its stop flag; safe from a signal handler's thread."""
        self._endpoint.post(None)

    # --- the loop ---

    def _due(self) -> float:
        now = time.monotonic()
        duties = [now + _LONGEST_NAP_S, self._endpoint.due(), self._reporter.due(), self._refusals.due()]
        if self._endpoint.ready:
            duties.append(self._next_status)
            if self._endpoint.room > _RESULT_ROOM:
                duties.append(self._reporter.send_due())
        return max(min(duties), now)

    def _work(self) -> None:
        now = time.monotonic()
        if refused := self._refusals.tell(now):
            self._reporter.event("refused", "warning", refused)
        self._reporter.work(now)
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
        self._reporter.connected(time.monotonic())
        self._say_status()
        self._say_capability()
        self._publish("reported", self._orders.reported(self._boot).payload(), retain=True)

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
            t=round(self._wall(), 3),
            agent=self._settings.version,
            model_state=self._model.state,
            interval_s=self._reporter.reporting.silence_s,
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
        if topic is None or topic.owner != self._identity:
            self._refusals.take("of another device")  # some brokers hand out retained messages nobody asked for
        elif message.retained and topic.leaf != "desired":
            self._refusals.take("retained")  # a command is obeyed once
        else:
            try:
                self._obey(topic, message.payload)
            except Malformed as error:
                self._refusals.take(error.reason)

    def _obey(self, topic: Topic, payload: bytes) -> None:
        if topic.leaf == "ack":
            self._acknowledged(parse_ack(payload))
        elif topic.leaf == "command":
            self._command(payload)
        elif topic.leaf == "desired":
            self._ordered(parse_desired(payload))
        else:
            raise Malformed("leaf of the device's own")

    def _acknowledged(self, ack: Ack) -> None:
        self._reporter.acknowledge(ack, time.monotonic())
        if ack.boot == self._boot and any(last > self._reporter.last_seq for _, last in ack.ranges):
            raise Malformed("ack of what never was")

    def _ordered(self, order: Desired) -> None:
        decision = decide(self._orders, order, self._boot)
        self._orders = decision.settings
        self._publish("reported", decision.reported.payload(), retain=True)
        if not decision.news:
            return
        if decision.reported.state == "refused":
            self._reporter.event("settings_refused", "warning", "; ".join(decision.reported.problems))
            return
        self._keep(order)
        self._reporter.apply(self._orders.reporting, time.monotonic())
        self._reporter.event("settings_applied", "info", f"version {order.version}")
        self._say_status()

    def _command(self, payload: bytes) -> None:
        document = decode(payload)
        identity = label(document, "id")
        try:
            command = command_of(document)
        except Malformed as error:
            self._refusals.take(error.reason)
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
            self._reporter.event("model_ready", "info", f"{report.facts.variant} in {report.load_s:.2f} s")
        elif isinstance(report, ModelFailed):
            self._model = _Model("failed", report.problem, self._model.facts)
            self._reporter.event("model_failed", "error", report.problem)
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
            self._reporter.event(
                "request_failed", "warning", finished.kind
            )  # the class only: a message may quote the prompt
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
            "malformed": self._refusals.count,
            "queue_depth": len(self._desk.open),
            "spool_records": self._reporter.depth,
            "drops": self._reporter.drops + self._endpoint.dropped,
        }

    def _send(self, now: float) -> None:
        while self._endpoint.room > _RESULT_ROOM and (batch := self._reporter.next(now, self._endpoint.max_payload)):
            self._publish(batch.leaf, batch.payload)

    def _leave(self) -> None:
        """Tell everyone who waits, write down what is left, say goodbye."""
        for identity in self._desk.open:
            self._conclude(Result(identity, "failed", error="the agent stopped"))
        self._reporter.event("stopped", "info")
        self._reporter.commit(time.monotonic())
        status = self._status("offline")
        if self._endpoint.ready:
            self._publish("status", status.payload(), retain=True)
            self._endpoint.flush(_LEAVE_S)
        self._endpoint.close()
        if self._worker:
            self._worker.stop(_LEAVE_S)
        self._notice(status, "stopped")
