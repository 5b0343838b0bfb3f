"""The collector on an in-process broker: acks after commits, a disk that fails, a broker that goes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from edgeslm.fleet.collector import Collector
from edgeslm.fleet.history import History, Intake
from edgeslm_agent.contract.ranges import ranges_of
from edgeslm_agent.contract.telemetry import Sample, Telemetry, parse_ack, parse_telemetry
from edgeslm_agent.contract.topics import DeviceId
from edgeslm_agent.errors import EnvironmentProblem
from edgeslm_agent.link.memory import MemoryBroker
from edgeslm_agent.link.transport import Outgoing, Received, SessionOptions
from support.fleet import QUICK, missing_numbers, rows, running_agent, running_collector
from support.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path


pytestmark = pytest.mark.slow  # threads that talk over a broker

KITCHEN = DeviceId("home", "kitchen")


def telemetry(*seqs: int) -> Outgoing:
    return Outgoing(KITCHEN.topic("telemetry"), Telemetry("b1", tuple(Sample(seq, 1.0, {}) for seq in seqs)).payload())


class Acks:
    """Hears the acks of one device."""

    def __init__(self, broker: MemoryBroker) -> None:
        self.numbers: list[int] = []
        broker.open(SessionOptions("acks", receive_maximum=10**9), self._take).subscribe([KITCHEN.topic("ack")])

    def _take(self, event: object) -> bool:
        if isinstance(event, Received):
            for first, last in parse_ack(event.payload).ranges:
                self.numbers += range(first, last + 1)
        return True


def test_exactly_what_was_committed_is_acknowledged(tmp_path: Path) -> None:
    broker = MemoryBroker()
    acks = Acks(broker)
    with running_collector(broker, tmp_path / "db"):
        broker.publish(telemetry(1, 2, 9))
        broker.publish(telemetry(9, 20))
        eventually(lambda: {1, 2, 9, 20} <= set(acks.numbers))
    assert ranges_of(acks.numbers) == ((1, 2), (9, 9), (20, 20))
    assert rows(tmp_path / "db", "SELECT seq FROM samples ORDER BY seq") == [(1,), (2,), (9,), (20,)]


def test_disk_that_fails_delays_everything_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broker = MemoryBroker()
    acks = Acks(broker)
    healthy, refused = History.commit, threading.Event()

    def commit(self: History, intake: Intake, now: float) -> int:
        if not refused.is_set():
            refused.set()
            raise EnvironmentProblem("the disk is full")
        assert not acks.numbers
        return healthy(self, intake, now)

    monkeypatch.setattr(History, "commit", commit)
    with running_collector(broker, tmp_path / "db"):
        broker.publish(telemetry(1, 2))
        eventually(lambda: set(acks.numbers) == {1, 2})
    assert refused.is_set()


def test_collector_without_a_database_leaves_the_broker_and_holds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = MemoryBroker()
    acks = Acks(broker)
    healthy, tries, back = History.commit, list[int](), threading.Event()

    def commit(self: History, intake: Intake, now: float) -> int:
        if not back.is_set():
            tries.append(intake.rows)
            raise EnvironmentProblem("the server is away")
        return healthy(self, intake, now)

    monkeypatch.setattr(History, "commit", commit)
    monkeypatch.setattr("edgeslm.fleet.collector._LONGEST_PAUSE_S", 0.2)
    with running_collector(broker, tmp_path / "db") as collector:
        broker.publish(telemetry(*range(1, 101)))
        eventually(lambda: "edgeslm-collector" not in broker.clients(), "it leaves")
        eventually(lambda: len(tries) > 5, "it tries again and again")
        eventually(lambda: collector._intake.rows == 0, "it holds nothing meanwhile")
        assert acks.numbers == []
        back.set()
        eventually(lambda: len(acks.numbers) == 100, "the broker had it")
    assert set(tries) == {100}  # what comes again is not added to what failed


def test_broker_that_stops_and_forgets_everything_costs_nothing(tmp_path: Path) -> None:
    broker = MemoryBroker()
    database = tmp_path / "db"
    count = "SELECT count(*) FROM samples"
    with running_collector(broker, database), running_agent(broker, spool=tmp_path / "spool", interval_s=0.01):
        for _ in range(4):
            before = rows(database, count)[0][0]
            eventually(lambda before=before: rows(database, count)[0][0] != before)  # type: ignore[misc]
            broker.stop(forget=True)
            broker.start()
        eventually(lambda: missing_numbers(database) == {}, "every number arrives")
    assert missing_numbers(database, tmp_path / "spool") == {}


def test_two_collectors_of_two_names_keep_everything_each(tmp_path: Path) -> None:
    broker = MemoryBroker()
    with running_collector(broker, tmp_path / "one"), running_collector(broker, tmp_path / "two", name="second"):
        broker.publish(telemetry(*range(1, 50)))
        for name in ("one", "two"):
            eventually(lambda name=name: rows(tmp_path / name, "SELECT count(*) FROM samples")[0][0] == 49)  # type: ignore[misc]


def test_what_was_taken_is_committed_before_the_collector_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = MemoryBroker()
    acks = Acks(broker)
    stop = threading.Event()

    def take(payload: bytes) -> Telemetry:
        stop.set()
        return parse_telemetry(payload)

    monkeypatch.setattr("edgeslm.fleet.collector.parse_telemetry", take)
    history = History(tmp_path / "db")
    Collector(broker, history, patience=QUICK, notice=lambda _: broker.publish(telemetry(1, 2))).run(stop)
    history.close()
    assert rows(tmp_path / "db", "SELECT seq FROM samples ORDER BY seq") == [(1,), (2,)]
    assert acks.numbers == [1, 2]
