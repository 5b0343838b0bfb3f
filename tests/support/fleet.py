"""Agents and collectors in threads of the test, over any transport."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg

from edgeslm.fleet.collector import Collector
from edgeslm.fleet.history import History
from edgeslm_agent.agent import Agent, AgentSettings
from edgeslm_agent.contract.desired import Reporting
from edgeslm_agent.contract.topics import parse_device_id
from edgeslm_agent.link.endpoint import Patience
from edgeslm_agent.telemetry.sampler import probes, sensors
from edgeslm_agent.telemetry.spool import Spool
from support.waiting import PATIENCE_S, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from edgeslm.fleet.history import Address
    from edgeslm_agent.contract.desired import Desired
    from edgeslm_agent.link.transport import Transport
    from edgeslm_agent.serving.responder import Responder

QUICK = Patience(longest_wait_s=0.2, outbox=20_000, inbox=2_000)


@contextlib.contextmanager
def running_agent(
    transport: Transport,
    identity: str = "home/kitchen",
    *,
    spool: Path | None = None,
    load: Callable[[], Responder] | None = None,
    interval_s: float = 0.05,
    queue: int = 8,
    boot: str | None = None,
    root: Path | None = None,
    profile: str | None = None,
    order: Desired | None = None,
    keep: Callable[[Desired], None] = lambda _order: None,
) -> Iterator[Agent]:
    """Run an agent for the block; it leaves in good order. Its spool is in memory unless a path is given.

    `root` is the board that its probes see; without it there are none.
    """
    ready = threading.Event()
    stop = threading.Event()
    made: list[Agent] = []
    failure: list[BaseException] = []

    def main() -> None:
        try:
            own = Spool(spool)
            settings = AgentSettings(Reporting(interval_s), queue, profile, version="1.2.3", patience=QUICK)
            sources = probes(root) if root else []
            made.append(
                Agent(
                    parse_device_id(identity), transport, own, settings, load=load, boot=boot,
                    readers=[source.read for source in sources], sensors=sensors(sources), order=order, keep=keep,
                )
            )  # fmt: skip
            ready.set()
            made[0].run(stop)
            own.close()
        except BaseException as error:
            failure.append(error)
            ready.set()
            raise

    thread = threading.Thread(target=main)
    thread.start()
    assert ready.wait(PATIENCE_S)
    try:
        yield made[0]
    finally:
        stop.set()
        if made:
            made[0].wake()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
        assert not failure, failure


@contextlib.contextmanager
def running_collector(
    transport: Transport, database: Address, name: str = "edgeslm-collector", group: str | None = None
) -> Iterator[Collector]:
    """Run a collector for the block; what it took is committed at the end."""
    ready = threading.Event()
    stop = threading.Event()
    made: list[Collector] = []

    def main() -> None:
        history = History(database)
        made.append(
            Collector(
                transport,
                history,
                name=name,
                group=group,
                patience=QUICK,
                notice=lambda text: ready.set() if text == "ready" else None,
            )
        )
        made[0].run(stop)
        history.close()

    thread = threading.Thread(target=main)
    thread.start()
    assert ready.wait(PATIENCE_S)
    try:
        yield made[0]
    finally:
        stop.set()
        made[0].wake()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def rows(database: Address, query: str) -> list[tuple[object, ...]]:
    """Return the rows of a query on a collector's database or a spool."""
    if isinstance(database, str):
        with psycopg.connect(database) as server:
            return server.execute(query.encode()).fetchall()
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=PATIENCE_S)) as opened:
        return opened.execute(query).fetchall()


def deliver_the_rest(transport: Transport, identity: str, spool: Path) -> None:
    """Start an agent on a spool once more, until a collector has all that the last one left there."""
    waiting = "SELECT boot, seq FROM records"
    left = set(rows(spool, waiting))
    with running_agent(transport, identity, spool=spool, interval_s=3600.0):
        eventually(lambda: left.isdisjoint(rows(spool, waiting)), "what was left is acknowledged")


def missing_numbers(database: Address, *spools: Path) -> dict[str, set[int]]:
    """Return, for every boot, the numbers up to its highest that are neither stored nor named as dropped.

    An agent sends what is fresh before what waits, so one that stopped may leave a number in its spool although later
    ones are stored. Such a number is not lost: name the spools to count what waits there. They are read first, because
    a record is stored before it leaves its spool.
    """
    known: dict[str, set[int]] = {}
    for spool in spools:
        for boot, seq in rows(spool, "SELECT boot, seq FROM records"):
            known.setdefault(str(boot), set()).add(_whole(seq))
        _name(known, rows(spool, "SELECT boot, first, last FROM tombstones"))
    stored = rows(database, "SELECT boot, seq FROM samples UNION ALL SELECT boot, seq FROM events")
    assert len(stored) == len(set(stored)), "a number is stored twice"
    for boot, seq in stored:
        known.setdefault(str(boot), set()).add(_whole(seq))
    _name(known, rows(database, "SELECT boot, first, last FROM gaps"))
    absent = {boot: set(range(1, max(numbers) + 1)) - numbers for boot, numbers in known.items()}
    return {boot: numbers for boot, numbers in absent.items() if numbers}


def _name(known: dict[str, set[int]], ranges: list[tuple[object, ...]]) -> None:
    for boot, first, last in ranges:
        known.setdefault(str(boot), set()).update(range(_whole(first), _whole(last) + 1))


def _whole(value: object) -> int:
    assert isinstance(value, int)
    return value
