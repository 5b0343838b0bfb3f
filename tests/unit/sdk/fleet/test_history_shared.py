"""Several writers of one history at once: made once, nothing twice, nobody in a deadlock, while it is tidied."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from edgeslm.fleet.history import History, Intake, Retention, sqlite
from edgeslm.fleet.upkeep import upkeep
from edgeslm_agent.contract.status import Status
from edgeslm_agent.contract.telemetry import Event, Sample
from edgeslm_agent.contract.topics import EVERYWHERE, DeviceId
from edgeslm_agent.errors import EnvironmentProblem
from support.fleet import rows
from support.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from edgeslm.fleet.history import Address

pytestmark = pytest.mark.slow  # threads that wait for each other
WRITERS, NUMBERS = 3, 120
NOW = 1e9
WHO = [DeviceId("home", f"d{number}") for number in range(4)]
KEEP = Retention(samples_s=60.0, minutes_s=3600.0)


def test_writers_that_bring_the_same_keep_each_record_once_while_it_is_tidied(address: Address) -> None:
    together = threading.Barrier(WRITERS + 1)

    def write(seed: int) -> int:
        together.wait()
        history = History(address)  # all of them find no tables
        drawn, new = random.Random(seed), 0
        for _ in range(3):
            numbers = list(range(1, NUMBERS + 1))
            drawn.shuffle(numbers)
            for at in range(0, NUMBERS, 10):
                new += history.commit(_intake(numbers[at : at + 10], drawn), NOW)
        history.close()
        return new

    def tidy() -> None:
        together.wait()
        history = History(address)
        for _ in range(10):
            for _ in history.tidy(KEEP, NOW):
                time.sleep(0.01)
        history.close()

    with ThreadPoolExecutor(WRITERS + 1) as pool:
        tidied = pool.submit(tidy)
        new = sum(pool.map(write, range(WRITERS)))
        tidied.result()
    assert new == 2 * NUMBERS * len(WHO)
    history = History(address)
    counts = [
        one.spreads["n"].count if one.spreads else 1 for one in history.moments(EVERYWHERE, 0.0) if one.sighting.sample
    ]
    assert sum(counts) == NUMBERS * len(WHO)
    assert max(counts) > 1  # some were folded meanwhile
    totals = history.totals()
    assert (totals["samples"], totals["events"]) == (NUMBERS * len(WHO), NUMBERS * len(WHO))
    history.close()


def test_a_new_file_is_waited_for_where_sqlite_does_not(tmp_path: Path) -> None:
    holder = sqlite3.connect(tmp_path / "db", isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN EXCLUSIVE")
    freed = threading.Timer(0.1, holder.rollback)
    freed.start()
    late = sqlite3.connect(tmp_path / "db", timeout=0)
    sqlite.prepare(late, None)
    assert late.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    late.close()
    holder.close()


def _intake(numbers: list[int], drawn: random.Random) -> Intake:
    """Return samples old enough to be folded, and events, of every device in another order each time."""
    intake = Intake()
    for number in numbers:
        for who in drawn.sample(WHO, len(WHO)):
            intake.samples.append((who, "b1", Sample(number, NOW - 100.0 + number / 10, {"n": 1.0})))
            intake.events.append((who, "b1", Event(NUMBERS + number, NOW, "started", "info")))
            intake.statuses[who] = Status("online", "b1", 1, NOW, "1.0", "none", 10.0)
    intake.count("messages", len(numbers))
    return intake


def test_upkeep_tidies_at_once_and_again_and_says_what_fails(address: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    history, said = History(address), list[str]()
    healthy, failed = History.tidy, threading.Event()

    def tidy(self: History, kept: Retention, now: float) -> object:
        if not failed.is_set():
            failed.set()
            raise EnvironmentProblem("the disk is full")
        return healthy(self, kept, now)

    monkeypatch.setattr(History, "tidy", tidy)
    now = time.time()
    with upkeep(address, KEEP, said.append, every_s=0.05):
        for number in range(2):
            history.commit(Intake(samples=[(WHO[0], f"b{number}", Sample(1, now - 100.0, {"n": 1.0}))]), now)
            eventually(lambda: rows(address, "SELECT count(*) FROM samples") == [(0,)], "it is folded")
    assert said == ["the disk is full; it is tidied later"]
    assert len(rows(address, "SELECT boot FROM retired")) == 2
    history.close()
