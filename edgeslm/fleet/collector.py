"""The collector: takes what devices report, commits it, and only then tells them to forget it.

    message ──parse──> intake ──commit (100 ms or 500 rows)──> ack to each device, PUBACK to the broker

Killed at any point it loses nothing: what was not committed was not acknowledged, to the device or to the broker, and
comes again; what comes again is known by its key.
"""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING

from edgeslm.fleet.history import Intake
from edgeslm_agent.contract.codec import Malformed
from edgeslm_agent.contract.ranges import merged
from edgeslm_agent.contract.status import parse_capability, parse_status
from edgeslm_agent.contract.telemetry import parse_events, parse_telemetry, split_ranges
from edgeslm_agent.contract.topics import EVERYWHERE, parse_topic
from edgeslm_agent.errors import EnvironmentProblem
from edgeslm_agent.link.endpoint import Endpoint, Patience
from edgeslm_agent.link.transport import Connected, Lost, Outgoing, Received, SessionOptions

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from edgeslm.fleet.history import History
    from edgeslm_agent.contract.ranges import Range
    from edgeslm_agent.contract.topics import DeviceId, Leaf, Scope, Topic
    from edgeslm_agent.link.transport import Transport

LEAVES: tuple[Leaf, ...] = ("telemetry", "event", "status", "capability")
COMMIT_S = 0.1
COMMIT_ROWS = 500
_ACK_EXPIRY_S = 60.0
_DISK_PAUSE_S = 1.0
_SESSION_S = 7 * 86400
_PATIENCE = Patience(longest_wait_s=15.0, outbox=20_000, inbox=2_000)


class Collector:
    """One process that writes one history. `name` is its client id: a second collector needs another."""

    def __init__(
        self,
        transport: Transport,
        history: History,
        *,
        name: str = "edgeslm-collector",
        scope: Scope = EVERYWHERE,
        notice: Callable[[str], None] = lambda _text: None,
        patience: Patience = _PATIENCE,
    ) -> None:
        self._history = history
        self._notice = notice
        self._endpoint = Endpoint(
            transport,
            SessionOptions(name, clean=False, expiry_s=_SESSION_S, receive_maximum=1000),
            [scope.filter(leaf) for leaf in LEAVES],
            manual=True,
            patience=patience,
        )
        self._intake = Intake()
        self._messages: list[Received] = []
        self._numbers: dict[tuple[DeviceId, str], list[Range]] = defaultdict(list)
        self._since = 0.0

    def run(self, stop: threading.Event) -> None:
        """Collect until `stop` is set (call `wake` then); what was taken by then is committed and acknowledged."""
        while not stop.is_set():
            self._react(self._endpoint.poll(self._pause()))
            if self._messages and (self._pause() <= 0.0 or self._intake.rows >= COMMIT_ROWS):
                self._commit()
        if self._messages:
            self._commit()
        self._endpoint.flush(2.0)
        self._endpoint.close()

    def wake(self) -> None:
        """Make `run` look at its stop flag."""
        self._endpoint.post(None)

    def _pause(self) -> float:
        return max(self._since + COMMIT_S - time.monotonic(), 0.0) if self._messages else 5.0

    def _react(self, happening: object) -> None:
        if isinstance(happening, Received):
            if not self._messages:
                self._since = time.monotonic()
            self._messages.append(happening)
            self._take(happening)
        elif isinstance(happening, Connected):
            self._notice("ready")
        elif isinstance(happening, Lost):
            # the broker sends again what it has no PUBACK for, the device what it has no ack for
            self._notice(f"{happening.error.message}; trying again")

    def _take(self, message: Received) -> None:
        topic = parse_topic(message.topic)
        try:
            if topic is not None:
                self._sort(topic, message.payload)
            else:
                self._intake.count("malformed: topic")
        except Malformed as error:
            self._intake.count(f"malformed: {error.reason}")
        self._intake.count("messages")

    def _sort(self, topic: Topic, payload: bytes) -> None:
        who = topic.owner
        if topic.leaf == "telemetry":
            telemetry = parse_telemetry(payload)
            self._intake.samples.extend((who, telemetry.boot, sample) for sample in telemetry.samples)
            self._intake.gaps.extend((who, telemetry.boot, gap) for gap in telemetry.dropped)
            self._numbers[who, telemetry.boot] += [(one.seq, one.seq) for one in telemetry.samples]
            self._numbers[who, telemetry.boot] += telemetry.dropped
        elif topic.leaf == "event":
            events = parse_events(payload)
            self._intake.events.extend((who, events.boot, event) for event in events.events)
            self._numbers[who, events.boot] += [(one.seq, one.seq) for one in events.events]
        elif topic.leaf == "status":
            self._intake.statuses[who] = parse_status(payload)
        elif topic.leaf == "capability":
            self._intake.capabilities[who] = parse_capability(payload)

    def _commit(self) -> None:
        records = len(self._intake.samples) + len(self._intake.events)
        try:
            new = self._history.commit(self._intake, time.time())
        except EnvironmentProblem as error:
            # keep everything, acknowledge nothing, and let the queue behind us push back on the broker
            self._notice(f"{error.message}; nothing is acknowledged until it can be written")
            time.sleep(_DISK_PAUSE_S)
            self._since = time.monotonic()
            return
        self._acknowledge()
        self._intake, self._messages = Intake(), []
        if new < records:
            self._intake.count("duplicates", records - new)

    def _acknowledge(self) -> None:
        for (who, boot), ranges in self._numbers.items():
            for ack in split_ranges(boot, merged(ranges)):
                self._endpoint.publish(Outgoing(who.topic("ack"), ack.payload(), expiry_s=_ACK_EXPIRY_S))
        self._numbers.clear()
        for message in self._messages:
            self._endpoint.acknowledge(message)
