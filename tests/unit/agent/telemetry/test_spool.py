"""The spool: bounds, tombstones, acks, and what survives a kill at any moment."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeslm_agent.contract.ranges import Range, count, ranges_of
from edgeslm_agent.errors import EnvironmentProblem
from edgeslm_agent.telemetry.spool import Record, Spool, SpoolLimits

if TYPE_CHECKING:
    from pathlib import Path

    from edgeslm_agent.telemetry.spool import Kind


def record(seq: int, kind: Kind = "sample", boot: str = "b0", size: int = 36) -> Record:
    return Record(boot, seq, kind, b"x" * size)


def held(spool: Spool, kind: Kind | None = None) -> list[int]:
    return [one.seq for one in spool.after(0, 10_000, 2**30, kind)]


def failed(spool: Spool, records: list[Record]) -> EnvironmentProblem | None:
    try:
        spool.append(records)
    except EnvironmentProblem as error:
        return error
    return None


def test_records_come_back_in_order_with_their_bytes(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s")
    spool.append([record(1), record(2), record(3, "event")])
    assert [(one.seq, one.kind, one.body) for one in spool.after(0, 10, 2**20)] == [
        (1, "sample", b"x" * 36),
        (2, "sample", b"x" * 36),
    ]
    assert held(spool, "event") == [3]
    assert (spool.depth, spool.bytes, spool.last_id) == (3, 300, 3)
    spool.close()
    again = Spool(tmp_path / "s")
    assert (again.depth, again.bytes) == (3, 300)
    again.close()


def test_batch_ends_at_its_bytes_its_count_and_its_boot() -> None:
    spool = Spool(None)
    spool.append([*(record(seq) for seq in range(1, 6)), record(1, boot="b1")])
    assert len(spool.after(0, 3, 2**20)) == 3
    assert len(spool.after(0, 10, 250)) == 2
    assert len(spool.after(0, 10, 1)) == 1
    assert [one.boot for one in spool.after(0, 10, 2**20)] == ["b0"] * 5
    assert [one.boot for one in spool.after(5, 10, 2**20)] == ["b1"]


def test_only_an_ack_deletes_and_only_what_it_names() -> None:
    spool = Spool(None)
    spool.append([*(record(seq) for seq in range(1, 8)), record(3, boot="b1")])
    assert spool.acknowledge("b0", [(2, 3), (6, 100)]) == 4
    assert spool.acknowledge("b9", [(1, 100)]) == 0
    assert held(spool) == [1, 4, 5]
    assert spool.depth == 4
    assert spool.bytes == 400


def test_same_number_twice_is_kept_once() -> None:
    spool = Spool(None)
    spool.append([record(1)])
    spool.append([record(1), record(2)])
    assert held(spool) == [1, 2]


def test_full_spool_drops_the_oldest_samples_and_names_them() -> None:
    spool = Spool(None, SpoolLimits(max_bytes=100_000, max_event_bytes=50_000))
    spool.append([record(1, "event")])
    for seq in range(2, 1502):
        spool.append([record(seq)])
        assert spool.bytes <= 100_000
    kept = held(spool, "sample")
    assert kept == list(range(kept[0], 1502))
    assert held(spool, "event") == [1]
    assert spool.tombstones() == {"b0": ((2, kept[0] - 1),)}
    assert spool.dropped == kept[0] - 2


def test_events_go_only_beyond_their_own_bound() -> None:
    spool = Spool(None, SpoolLimits(max_bytes=1_000_000, max_event_bytes=20_000))
    spool.append([record(1)])
    for seq in range(2, 402):
        spool.append([record(seq, "event")])
    assert held(spool, "sample") == [1]
    assert len(held(spool, "event")) <= 200
    assert held(spool, "event")[-1] == 401


def test_old_samples_go_and_old_events_stay() -> None:
    now = [50.0]
    spool = Spool(None, SpoolLimits(max_age_s=1000.0), lambda: now[0])
    spool.append([record(1), record(2, "event")])
    now[0] += 990.0
    spool.append([record(3)])
    assert held(spool, "sample") == [1, 3]
    now[0] += 20.0
    spool.append([record(4)])
    assert held(spool, "sample") == [3, 4]
    assert held(spool, "event") == [2]
    assert spool.tombstones() == {"b0": ((1, 1),)}


def test_age_counts_the_seconds_of_running_over_restarts(tmp_path: Path) -> None:
    limits = SpoolLimits(max_age_s=1000.0)
    for start, seq in ((7.0, 1), (1e9, 2), (-5e8, 3)):  # the clock of each run begins where it likes
        now = [start]
        spool = Spool(tmp_path / "spool", limits, lambda now=now: now[0])  # type: ignore[misc]
        now[0] += 600.0
        spool.append([record(seq)])
        spool.close()
    spool = Spool(tmp_path / "spool")
    assert held(spool) == [2, 3]
    assert spool.tombstones() == {"b0": ((1, 1),)}


def test_tombstones_go_with_the_ack_that_names_them() -> None:
    spool = Spool(None)
    spool.append([record(9)], [("b0", (1, 8)), ("b1", (5, 5))])
    assert spool.tombstones() == {"b0": ((1, 8),), "b1": ((5, 5),)}
    spool.acknowledge("b0", [(1, 3), (7, 9)])
    assert spool.tombstones() == {"b0": ((4, 6),), "b1": ((5, 5),)}
    assert spool.depth == 0


@settings(max_examples=60)
@given(
    st.lists(
        st.one_of(st.integers(1, 30), st.lists(st.tuples(st.integers(1, 80), st.integers(0, 20)), max_size=3)),
        max_size=25,
    )
)
def test_every_number_is_held_named_or_acknowledged(steps: list[int | list[tuple[int, int]]]) -> None:
    """Whatever is written and acknowledged in whatever order, no number vanishes without a trace."""
    spool = Spool(None, SpoolLimits(max_bytes=4000, max_event_bytes=1000))
    seq, acknowledged = 0, set[int]()
    for step in steps:
        if isinstance(step, int):
            spool.append(
                [record(seq + one, "event" if (seq + one) % 7 == 0 else "sample") for one in range(1, step + 1)]
            )
            seq += step
        else:
            ranges: list[Range] = [(first, first + more) for first, more in step]
            spool.acknowledge("b0", ranges)
            acknowledged |= {number for first, last in ranges for number in range(first, min(last, seq) + 1)}
    present = set(held(spool, "sample")) | set(held(spool, "event"))
    named = {number for first, last in spool.tombstones().get("b0", ()) for number in range(first, last + 1)}
    assert present | named | acknowledged == set(range(1, seq + 1))
    assert not present & named
    assert spool.bytes == 100 * len(present)
    assert spool.dropped >= count(ranges_of(named))


def test_failed_write_raises_and_leaves_everything_as_it_was(tmp_path: Path) -> None:
    """A full disk, at every page that a commit could ask for."""
    path = tmp_path / "s"
    spool = Spool(path)
    spool.append([record(seq) for seq in range(1, 51)])
    database = spool._db
    pages = database.execute("PRAGMA page_count").fetchone()[0]
    database.execute(f"PRAGMA max_page_count = {pages}")
    failures = 0
    for first in range(51, 2000, 10):
        before = (held(spool), spool.bytes, spool.dropped, spool.tombstones())
        failure = failed(spool, [record(seq, size=400) for seq in range(first, first + 10)])
        if failure is not None:
            failures += 1
            assert "full" in failure.message
            assert (held(spool), spool.bytes, spool.dropped, spool.tombstones()) == before
    assert failures
    assert spool.acknowledge("b0", [(1, 30)]) == 30
    database.execute(f"PRAGMA max_page_count = {pages + 1000}")
    spool.append([record(5000)])
    assert 5000 in held(spool)
    spool.close()


def test_file_that_is_no_database_is_an_environment_problem(tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(b"not a database, but long enough to be taken for one" * 100)
    with pytest.raises(EnvironmentProblem):
        Spool(tmp_path / "s")


_WRITER = """
import sys
from edgeslm_agent.telemetry.spool import Record, Spool
spool = Spool(__import__("pathlib").Path(sys.argv[1]))
for seq in range(1, 100000):
    spool.append([Record("b0", seq, "sample", b"x" * 300)])
    print(seq, flush=True)
"""


@pytest.mark.parametrize("reads", [1, 7, 40, 101])
def test_what_was_committed_survives_a_kill_at_any_moment(tmp_path: Path, reads: int) -> None:
    path = tmp_path / "s"
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout
    for _ in range(reads):
        line = writer.stdout.readline()
    writer.send_signal(signal.SIGKILL)
    rest = writer.stdout.read().split()
    writer.stdout.close()
    writer.wait()
    promised = int(rest[-1] if rest and rest[-1].isdigit() else line)
    spool = Spool(path)
    assert held(spool)[: promised - 1] == list(range(1, promised))
    assert held(spool) == list(range(1, len(held(spool)) + 1))
    spool.close()


def test_torn_log_loses_only_the_torn_end(tmp_path: Path) -> None:
    """A power cut may leave any prefix of the write-ahead log: each must open and hold a prefix of the records."""
    path = tmp_path / "s"
    spool = Spool(path)
    for seq in range(1, 31):
        spool.append([record(seq)])
    log = (tmp_path / "s-wal").read_bytes()
    whole = path.read_bytes()
    spool.close()
    lengths = set()
    for cut in range(0, len(log) + 1, max(len(log) // 25, 1)):
        folder = tmp_path / f"cut{cut}"
        folder.mkdir()
        (folder / "s").write_bytes(whole)
        (folder / "s-wal").write_bytes(log[:cut])
        torn = Spool(folder / "s")
        assert held(torn) == list(range(1, len(held(torn)) + 1))
        lengths.add(len(held(torn)))
        torn.close()
    assert len(lengths) > 5


def test_spool_gives_space_back_after_a_long_absence(tmp_path: Path) -> None:
    path = tmp_path / "s"
    spool = Spool(path)
    spool.append([record(seq, size=2000) for seq in range(1, 3001)])
    for first in range(1, 3001, 100):
        spool.acknowledge("b0", [(first, first + 99)])
    spool.close()
    assert path.stat().st_size < 3_000_000
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA freelist_count").fetchone()[0] <= 600
    database.close()
