"""The history in both databases: each record once, everything or nothing, and databases of other versions."""

from __future__ import annotations

import json
import random
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from edgeslm.fleet.history import History, Intake, migrate, parse_address
from edgeslm.fleet.history.schema import METADATA, VERSION, VERSION_TABLE
from edgeslm_agent.contract.status import Status
from edgeslm_agent.contract.telemetry import Event, Sample
from edgeslm_agent.contract.topics import EVERYWHERE, DeviceId, Scope
from edgeslm_agent.errors import EnvironmentProblem, UsageError
from support.fleet import rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edgeslm.fleet.history import Address
    from support.postgres import Postgres

KITCHEN = DeviceId("home", "kitchen")
STATUS = Status("online", "b1", 1, 1.0, "0.1.0", "none", 10.0)


@pytest.fixture
def history(address: Address) -> Iterator[History]:
    opened = History(address)
    yield opened
    opened.close()


def sample(seq: int, boot: str = "b1") -> tuple[DeviceId, str, Sample]:
    return KITCHEN, boot, Sample(seq, float(seq), {"cpu_percent": seq})


def test_record_is_kept_once_however_often_it_comes(history: History) -> None:
    assert history.commit(Intake(samples=[sample(1), sample(1), sample(2)]), 10.0) == 2
    assert history.commit(Intake(samples=[sample(2), sample(3)]), 20.0) == 1
    event = (KITCHEN, "b1", Event(4, 4.0, "started", "info"))
    assert history.commit(Intake(events=[event, event]), 20.0) == 1
    assert history.totals() == {"samples": 3, "events": 1, "duplicates": 3, "devices": 1}
    moments = history.moments(EVERYWHERE, 2.0)
    assert [(one.at, one.sighting.sample) for one in moments] == [(2.0, sample(2)[2]), (3.0, sample(3)[2])]


def test_samples_shuffled_and_repeated_ten_times_give_the_same_table_to_the_byte(history: History) -> None:
    drawn = random.Random(1)
    every = [
        (DeviceId("home", f"d{drawn.randrange(5)}"), f"b{drawn.randrange(3)}", Sample(seq, 1e9 + seq, _figures(drawn)))
        for seq in range(300)
    ]
    tables = []
    for repeats in (1, 10):
        for clock in (2e9, 1e9 + 1000.0):  # a collector whose clock is wrong makes another table
            deliveries = every * repeats
            if repeats > 1:
                drawn.shuffle(deliveries)
            tables.append(_table_after(history, deliveries, clock))
    assert tables[0] != tables[1]
    assert tables[:2] == tables[2:]
    assert tables[0].count(b"\n") == len(every)


def _figures(drawn: random.Random) -> dict[str, float]:
    return {f"figure_{n}": drawn.choice([drawn.random(), 1e300 * drawn.random(), drawn.getrandbits(63)]) for n in "abc"}


def _table_after(history: History, deliveries: list[tuple[DeviceId, str, Sample]], now: float) -> bytes:
    """Deliver in batches of any size into empty tables; return what the database says it holds, as text."""
    with history._database.write() as connection:
        connection.exec_driver_sql("DELETE FROM samples")
    left, sizes = list(deliveries), random.Random(len(deliveries))
    while left:
        size = sizes.randrange(1, 100)
        history.commit(Intake(samples=left[:size]), now)
        left = left[size:]
    text = "SELECT device, boot, seq, t, at, CAST(figures AS TEXT) FROM samples ORDER BY device, boot, seq"
    with history._database.read() as connection:
        return b"".join(repr(tuple(row)).encode() + b"\n" for row in connection.exec_driver_sql(text))


def test_sightings_are_the_latest_of_each_device(history: History) -> None:
    hall = DeviceId("home", "hall")
    other_boot = (KITCHEN, "b0", Sample(9, 9.0, {}))
    history.commit(Intake(samples=[sample(1), sample(2), other_boot], statuses={KITCHEN: STATUS}), 10.0)
    history.commit(Intake(statuses={hall: STATUS}), 11.0)
    one, other = history.sightings(EVERYWHERE, 15.0)
    assert (str(one.device), one.status, one.sample) == ("home/hall", STATUS, None)
    assert (other.boot, other.sample, other.sample_age_s) == ("b1", Sample(2, 2.0, {"cpu_percent": 2}), 5.0)
    assert [str(seen.device) for seen in history.sightings(Scope("home", "hall"), 15.0)] == ["home/hall"]


@pytest.mark.parametrize(
    ("deliveries", "shown"),
    [
        ([("b1", 5, 100.0), ("b1", 4, 200.0)], ("b1", 5)),  # within a boot the number counts, whatever the clock
        ([("b0", 9, 100.0), ("b1", 1, 200.0)], ("b1", 1)),
        ([("b1", 1, 200.0), ("b0", 9, 100.0)], ("b1", 1)),  # what an older boot left comes late
        ([("b1", 1, 100.0), ("b9", 9, 200.0)], ("b1", 1)),  # the status names b1
        ([("b9", 9, 200.0), ("b1", 1, 100.0)], ("b1", 1)),
    ],
)
def test_newest_sample_is_found_in_any_order(
    history: History, deliveries: list[tuple[str, int, float]], shown: tuple[str, int]
) -> None:
    for boot, seq, t in deliveries:
        status = {KITCHEN: STATUS} if "b9" in {word for word, _, _ in deliveries} else {}
        history.commit(Intake(samples=[(KITCHEN, boot, Sample(seq, t, {}))], statuses=status), 300.0)
    (seen,) = history.sightings(EVERYWHERE, 300.0)
    assert seen.sample is not None
    assert (seen.boot, seen.sample.seq) == shown


def test_counters_add_up(history: History) -> None:
    for _ in range(2):
        intake = Intake()
        intake.count("messages", 3)
        history.commit(intake, 1.0)
    assert history.totals()["messages"] == 6


def test_whatever_the_contract_lets_pass_is_stored(history: History) -> None:
    label = "\N{SNOWMAN}\N{FACE WITH TEARS OF JOY}'\"\\\t"[:-1] + "x" * 124
    figures = {"a": 2**63 - 1, "b": -(2**63) + 1, "c": 1.7e308, "d": 5e-324, "e": -0.0}
    one = (KITCHEN, label, Sample(2**63 - 1, 2.0**40, figures))
    event = (KITCHEN, label, Event(0, 0.0, label, "error", label * 3))
    intake = Intake(samples=[one], events=[event], gaps=[(KITCHEN, label, (0, 2**63 - 1))])
    intake.count(f"malformed: {label}")
    assert history.commit(intake, 1e9) == 2
    (moment,) = history.moments(EVERYWHERE, 0.0)
    assert moment.sighting.sample == one[2]


def test_failed_commit_writes_nothing(tmp_path: Path) -> None:
    history = History(tmp_path / "db")
    history.commit(Intake(samples=[sample(1)]), 1.0)
    with history._database.read() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(EnvironmentProblem, match="full"):
        history.commit(Intake(samples=[sample(seq) for seq in range(2, 2000)]), 2.0)
    assert history.totals()["samples"] == 1
    with history._database.read() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 100000")
    assert history.commit(Intake(samples=[sample(2)]), 3.0) == 1
    history.close()


@pytest.mark.slow
def test_server_that_crashes_between_commits_is_an_environment_problem_and_then_serves_on() -> None:
    from support.postgres import postgres

    with postgres() as server:
        history = History(server.database())
        history.commit(Intake(samples=[sample(1)]), 1.0)
        server.stop("immediate")
        for _ in range(2):
            with pytest.raises(EnvironmentProblem, match="does not take or give data"):
                history.commit(Intake(samples=[sample(2)]), 2.0)
        server.start()
        assert history.commit(Intake(samples=[sample(1), sample(2)]), 3.0) == 1
        assert history.totals() == {"samples": 2, "events": 0, "duplicates": 1, "devices": 1}
        history.close()


def test_tables_that_the_migrations_make_are_those_of_the_schema(history: History) -> None:
    with history._database.read() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE, "compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_version_that_opens_without_alembic_is_the_newest() -> None:
    assert ScriptDirectory(migrate._STEPS).get_heads() == [VERSION]


def test_file_of_the_first_edgeslm_is_carried_over(tmp_path: Path) -> None:
    _write_first_version(tmp_path / "db")
    history = History(tmp_path / "db")
    (one,) = history.sightings(EVERYWHERE, 1000.0)
    assert (one.status, one.boot, one.sample) == (STATUS, "b1", Sample(2, 5.0, {"cpu_percent": 2}))
    assert one.sample_age_s == 900.0
    moments = sorted((seen.at, seen.sighting.boot) for seen in history.moments(EVERYWHERE, 0.0))
    assert moments == [(5.0, "b1"), (200.0, "b0")]
    assert history.totals() == {"samples": 2, "events": 1, "messages": 7, "devices": 1}
    assert history.commit(Intake(samples=[sample(2), sample(3)]), 1000.0) == 1
    history.close()
    assert rows(tmp_path / "db", "SELECT device, boot, first, last FROM gaps") == [("home/kitchen", "b1", 3, 9)]
    assert rows(tmp_path / "db", "SELECT at, kind FROM events") == [(6.0, "started")]
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        rows(tmp_path / "db", "SELECT * FROM old_samples")
    assert rows(tmp_path / "db", "PRAGMA user_version") == [(2,)]  # the first edgeslm refuses what is not 1


def _write_first_version(path: Path) -> None:
    """Write a file as the first edgeslm did: one sample of a clock 30 years slow, one of a clock that is right."""
    from edgeslm.fleet.history.migrations.versions import v0001_first

    with closing(sqlite3.connect(path)) as database:
        for statement in (*v0001_first._TABLES, "PRAGMA user_version = 1"):
            database.execute(statement)
        insert = "INSERT INTO samples VALUES ('home/kitchen', ?, ?, ?, ?, ?)"
        database.execute(insert, ("b1", 2, 5.0, 100.0, '{"cpu_percent":2}'))
        database.execute(insert, ("b0", 9, 201.0, 200.0, "{}"))
        status = json.dumps(STATUS.__dict__)
        database.execute("INSERT INTO devices VALUES ('home/kitchen', ?, NULL, 200.0)", (status,))
        database.execute("INSERT INTO events VALUES ('home/kitchen', 'b1', 1, 6.0, 10.0, 'started', 'info', '')")
        database.execute("INSERT INTO gaps VALUES ('home/kitchen', 'b1', 3, 9)")
        database.execute("INSERT INTO counters VALUES ('messages', 7)")
        database.commit()


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


def test_database_of_a_later_edgeslm_is_refused(history: History, address: Address) -> None:
    with history._database.write() as connection:
        connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")  # noqa: S608 - our own name
    with pytest.raises(EnvironmentProblem, match="later edgeslm"):
        History(address)


@pytest.mark.slow
def test_database_without_unicode_is_refused(server: Postgres) -> None:
    with pytest.raises(EnvironmentProblem, match="Unicode"):
        History(server.database("ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"))


@pytest.mark.slow
def test_rollups_are_cut_by_time_where_timescaledb_is_installed(server: Postgres) -> None:
    """A stand-in for the extension writes down how it is called: no package of it can be had here."""
    database = server.database()
    with psycopg.connect(database) as connection:
        connection.execute("CREATE TABLE calls (relation regclass, dimension name, chunk_time_interval bigint)")
        connection.execute(
            "CREATE FUNCTION create_hypertable(relation regclass, dimension name, chunk_time_interval bigint)"
            " RETURNS void LANGUAGE sql AS 'INSERT INTO calls VALUES (relation, dimension, chunk_time_interval)'"
        )
        connection.execute(
            "INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)"
            " VALUES (99999, 'timescaledb', 10, 2200, false, '0')"
        )
    History(database).close()
    assert rows(database, "SELECT relation::text, dimension, chunk_time_interval FROM calls") == [
        ("rollups", "start", 7 * 86400)
    ]
    key = "SELECT count(*) FROM pg_index WHERE indrelid = 'rollups'::regclass AND indisunique AND NOT 3 = ANY (indkey)"
    assert rows(database, key) == [(0,)]  # the time, its third column, is in every unique key


@pytest.mark.parametrize(("text", "message"), [("mysql://x/y", "not a database we know"), ("postgresql://a:b", "read")])
def test_address_that_cannot_be_is_a_usage_error_and_shows_no_password(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        History(parse_address(text.replace("a:b", "user:secret@host:port/x")))


def test_password_is_never_shown() -> None:
    url = parse_address("postgres://user:secret@127.0.0.1:1/name")
    with pytest.raises(EnvironmentProblem) as caught:
        History(url)
    assert "secret" not in str(caught.value)
    assert "user" in str(caught.value)
