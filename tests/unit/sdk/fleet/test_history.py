"""The history: each record once, everything or nothing, and files of other versions."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from edgeslm.fleet.history import History, Intake
from edgeslm_agent.contract.status import Status
from edgeslm_agent.contract.telemetry import Event, Sample
from edgeslm_agent.contract.topics import EVERYWHERE, DeviceId, Scope
from edgeslm_agent.errors import EnvironmentProblem

if TYPE_CHECKING:
    from pathlib import Path

KITCHEN = DeviceId("home", "kitchen")
STATUS = Status("online", "b1", 1, 1.0, "0.1.0", "none", 10.0)


def sample(seq: int) -> tuple[DeviceId, str, Sample]:
    return KITCHEN, "b1", Sample(seq, float(seq), {"cpu_percent": seq})


def test_record_is_kept_once_however_often_it_comes(tmp_path: Path) -> None:
    history = History(tmp_path / "db")
    assert history.commit(Intake(samples=[sample(1), sample(1), sample(2)]), 10.0) == 2
    assert history.commit(Intake(samples=[sample(2), sample(3)]), 20.0) == 1
    event = (KITCHEN, "b1", Event(4, 4.0, "started", "info"))
    assert history.commit(Intake(events=[event, event]), 20.0) == 1
    assert history.totals() == {"samples": 3, "events": 1, "devices": 1}
    assert history.samples("home/kitchen") == [
        (1.0, {"cpu_percent": 1}),
        (2.0, {"cpu_percent": 2}),
        (3.0, {"cpu_percent": 3}),
    ]
    history.close()


def test_sightings_are_the_latest_of_each_device(tmp_path: Path) -> None:
    history = History(tmp_path / "db")
    hall = DeviceId("home", "hall")
    history.commit(
        Intake(samples=[sample(1), sample(2), (KITCHEN, "b0", Sample(9, 9.0, {}))], statuses={KITCHEN: STATUS}), 10.0
    )
    history.commit(Intake(statuses={hall: STATUS}), 11.0)
    one, other = history.sightings(EVERYWHERE, 15.0)
    assert (str(one.device), one.status, one.sample) == ("home/hall", STATUS, None)
    assert (other.boot, other.sample, other.sample_age_s) == ("b1", Sample(2, 2.0, {"cpu_percent": 2}), 5.0)
    assert [str(seen.device) for seen in history.sightings(Scope("home", "hall"), 15.0)] == ["home/hall"]
    history.close()


def test_counters_add_up(tmp_path: Path) -> None:
    history = History(tmp_path / "db")
    for _ in range(2):
        intake = Intake()
        intake.count("messages", 3)
        history.commit(intake, 1.0)
    assert history.totals()["messages"] == 6
    history.close()


def test_failed_commit_writes_nothing(tmp_path: Path) -> None:
    history = History(tmp_path / "db")
    history.commit(Intake(samples=[sample(1)]), 1.0)
    pages = history._db.execute("PRAGMA page_count").fetchone()[0]
    history._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(EnvironmentProblem, match="full"):
        history.commit(Intake(samples=[sample(seq) for seq in range(2, 2000)]), 2.0)
    assert history.totals()["samples"] == 1
    history._db.execute("PRAGMA max_page_count = 100000")
    assert history.commit(Intake(samples=[sample(2)]), 3.0) == 1
    history.close()


def test_later_or_foreign_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "later")) as database:
        database.execute("PRAGMA user_version = 99")
        database.commit()
    with pytest.raises(EnvironmentProblem, match="later edgeslm"):
        History(tmp_path / "later")
    (tmp_path / "text").write_text("this is not a database at all, it only looks like a file " * 20, encoding="utf-8")
    with pytest.raises(EnvironmentProblem):
        History(tmp_path / "text")
    assert "only looks" in (tmp_path / "text").read_text(encoding="utf-8")
