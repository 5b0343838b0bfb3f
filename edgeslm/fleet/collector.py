"""The collector: takes what devices report, commits it, and only then tells them to forget it.

    message ──parse──> intake ──commit (200 ms or 5000 rows)──> ack to each device, PUBACK to the broker

Killed at any point it loses nothing: what was not committed was not acknowledged, to the device or to the broker, and
comes again; what comes again is known by its key. A collector whose database is away drops what it holds and leaves
the broker, so its memory stays bounded and the others of its group get its share; it comes back with jitter.
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from typing import TYPE_CHECKING

from edgeslm.fleet.history import Intake
from edgeslm.fleet.refusals import RefusedReports
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

RECORDS: tuple[Leaf, ...] = ("telemetry", "event")
FACTS: tuple[Leaf, ...] = ("status", "capability")
COMMIT_S = 0.2
COMMIT_ROWS = 5000
_ACK_EXPIRY_S = 60.0
_LONGEST_PAUSE_S = 30.0  # between two tries of a database that is away
_SESSION_S = 7 * 86400
_IN_FLIGHT = 1000  # messages that the broker may send before the first is committed; at half of them we commit
_PATIENCE = Patience(longest_wait_s=15.0, outbox=20_000, inbox=2_000)


class Collector:
    """One process that writes one history.

    Alone, its session outlives a connection, so `name`, its client id, must be its own. With the others of a `group` it
    shares telemetry and events, each of which goes to one of them; then the session ends with the connection, because
    a broker may go on putting a share aside for one who never returns. Status and capability go to all: what is
    retained is not sent to those who share.
    """

    def __init__(
        self,
        transport: Transport,
        history: History,
        *,
        name: str = "edgeslm-collector",
        group: str | None = None,
        scope: Scope = EVERYWHERE,
        notice: Callable[[str], None] = lambda _text: None,
        patience: Patience = _PATIENCE,
    ) -> None:
        self._transport = transport
        self._history = history
        self._notice = notice
        self._patience = patience
        self._session = SessionOptions(
            name, clean=group is not None, expiry_s=0 if group else _SESSION_S, receive_maximum=_IN_FLIGHT
        )
        prefix = f"$share/{group}/" if group else ""
        self._filters = [prefix + scope.filter(leaf) for leaf in RECORDS] + [scope.filter(leaf) for leaf in FACTS]
        self._failures = 0  # of the database, in a row
        self._begin()

    def run(self, stop: threading.Event) -> None:
        """Collect until `stop` is set (call `wake` then); what was taken by then is committed and acknowledged."""
        while not stop.is_set() and (problem := self._collect(stop)):
            self._notice(f"{problem.message}; nothing is acknowledged until it can be written")
            self._failures += 1
            self._begin()  # what cannot be written is dropped before the pause, not after it
            stop.wait(random.uniform(0.0, min(_LONGEST_PAUSE_S, 2.0**self._failures)))

    def wake(self) -> None:
        """Make `run` look at its stop flag."""
        self._endpoint.post(None)

    def _begin(self) -> None:
        """Start with nothing in hand."""
        self._endpoint = Endpoint(self._transport, self._session, self._filters, manual=True, patience=self._patience)
        self._intake = Intake()
        self._refused = RefusedReports()
        self._messages: list[Received] = []
        self._numbers: dict[tuple[DeviceId, str], list[Range]] = defaultdict(list)
        self._since = 0.0

    def _collect(self, stop: threading.Event) -> EnvironmentProblem | None:
        """Collect until `stop` is set or the database fails; returns what is wrong with it."""
        try:
            while not stop.is_set():
                self._react(self._endpoint.poll(self._pause()))
                if self._messages and (self._pause() <= 0.0 or self._full()):
                    self._commit()
            if self._messages:
                self._commit()
            self._endpoint.flush(2.0)
        except EnvironmentProblem as error:
            return error
        finally:
            self._endpoint.close()
        return None

    def _full(self) -> bool:
        return self._intake.rows >= COMMIT_ROWS or len(self._messages) >= _IN_FLIGHT // 2

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
            if topic is not None:
                self._refused.take(topic.owner, error.reason)
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
        self._intake.events += self._refused.events(time.time(), time.monotonic())
        self._history.commit(self._intake, time.time())
        self._failures = 0
        for (who, boot), ranges in self._numbers.items():
            for ack in split_ranges(boot, merged(ranges)):
                self._endpoint.publish(Outgoing(who.topic("ack"), ack.payload(), expiry_s=_ACK_EXPIRY_S))
        for message in self._messages:
            self._endpoint.acknowledge(message)
        self._numbers.clear()
        self._intake, self._messages = Intake(), []
