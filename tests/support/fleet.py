"""Agents and collectors in threads of the test, over any transport."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING

from edgeslm.fleet.collector import Collector
from edgeslm.fleet.history import History
from edgeslm_agent.agent import Agent, AgentSettings
from edgeslm_agent.contract.topics import parse_device_id
from edgeslm_agent.link.endpoint import Patience
from edgeslm_agent.telemetry.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

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
) -> Iterator[Agent]:
    """Run an agent for the block; it leaves in good order. Its spool is in memory unless a path is given."""
    ready = threading.Event()
    stop = threading.Event()
    made: list[Agent] = []
    failure: list[BaseException] = []

    def main() -> None:
        try:
            own = Spool(spool)
            settings = AgentSettings(interval_s=interval_s, queue=queue, version="1.2.3", patience=QUICK)
            made.append(Agent(parse_device_id(identity), transport, own, settings, load=load, boot=boot))
            ready.set()
            made[0].run(stop)
            own.close()
        except BaseException as error:
            failure.append(error)
            ready.set()
            raise

    thread = threading.Thread(target=main)
    thread.start()
    assert ready.wait(20)
    try:
        yield made[0]
    finally:
        stop.set()
        if made:
            made[0].wake()
        thread.join(20)
        assert not thread.is_alive()
        assert not failure, failure


@contextlib.contextmanager
def running_collector(transport: Transport, database: Path, name: str = "edgeslm-collector") -> Iterator[Collector]:
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
                patience=QUICK,
                notice=lambda text: ready.set() if text == "ready" else None,
            )
        )
        made[0].run(stop)
        history.close()

    thread = threading.Thread(target=main)
    thread.start()
    assert ready.wait(30)
    try:
        yield made[0]
    finally:
        stop.set()
        made[0].wake()
        thread.join(20)
        assert not thread.is_alive()


def rows(database: Path, query: str) -> list[tuple[object, ...]]:
    """Return the rows of a query on a collector's database or a spool."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)) as opened:
        return opened.execute(query).fetchall()


def missing_numbers(database: Path) -> dict[tuple[str, str], set[int]]:
    """Return, for every (device, boot), the numbers up to the highest that are neither stored nor named as dropped."""
    records = rows(database, "SELECT device, boot, seq FROM samples UNION ALL SELECT device, boot, seq FROM events")
    known: dict[tuple[str, str], list[int]] = {}
    for device, boot, seq in records:
        assert isinstance(seq, int)
        known.setdefault((str(device), str(boot)), []).append(seq)
    gaps = rows(database, "SELECT device, boot, first, last FROM gaps")
    lost = {}
    for key, numbers in known.items():
        assert len(numbers) == len(set(numbers)), f"a number is stored twice for {key}"
        named = {n for d, b, first, last in gaps if (d, b) == key for n in range(int(str(first)), int(str(last)) + 1)}
        if absent := set(range(1, max(numbers) + 1)) - set(numbers) - named:
            lost[key] = absent
    return lost
