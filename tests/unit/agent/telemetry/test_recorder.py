"""The recorder: numbers, commits, and a disk that fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm_agent.errors import EnvironmentProblem
from edgeslm_agent.telemetry.recorder import COMMIT_S, Recorder
from edgeslm_agent.telemetry.spool import Record, Spool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgeslm_agent.contract.ranges import Range


class Brittle(Spool):
    """A spool whose disk fails on demand."""

    broken = False

    def append(self, records: Sequence[Record], gone: Sequence[tuple[str, Range]] = ()) -> None:
        if self.broken:
            raise EnvironmentProblem("the disk is full")
        super().append(records, gone)


def held(spool: Spool) -> list[int]:
    samples, events = spool.after(0, 10_000, 2**30, "sample"), spool.after(0, 10_000, 2**30, "event")
    return sorted(one.seq for one in [*samples, *events])


def test_samples_and_events_share_one_count_and_wait_for_the_commit() -> None:
    spool = Spool(None)
    recorder = Recorder(spool, "b0")
    recorder.sample({"a": 1.0}, 5.0, 100.0)
    recorder.event("started", "info", "two\nlines", 5.0, 100.5)
    assert recorder.due() == 100.0
    assert spool.depth == 0
    assert recorder.commit(100.6)
    assert held(spool) == [1, 2]
    assert (
        spool.after(0, 10, 2**20, "event")[0].body
        == b'{"seq":2,"t":5.0,"kind":"started","level":"info","detail":"two lines"}'
    )
    assert recorder.due() == float("inf")
    recorder.sample({"a": 1.0}, 5.0, 100.7)
    assert recorder.due() == 100.6 + COMMIT_S
    recorder.commit(101.0)
    recorder.sample({"a": 1.0}, 5.0, 200.0)
    assert recorder.due() == 200.0


def test_a_hundred_records_do_not_wait() -> None:
    recorder = Recorder(Spool(None), "b0")
    recorder.sample({}, 5.0, 99.9)
    recorder.commit(99.9)
    for _ in range(100):
        recorder.sample({}, 5.0, 100.0)
    assert recorder.due() == 100.0


def test_broken_disk_costs_the_oldest_records_which_are_counted_and_named_later() -> None:
    spool = Brittle(None)
    recorder = Recorder(spool, "b0")
    spool.broken = True
    recorder.event("disk_failed", "error", "", 5.0, 0.0)
    for number in range(349):
        recorder.sample({}, 5.0, float(number))
        assert not recorder.commit(float(number))
    assert recorder.problem == "the disk is full"
    assert recorder.drops == 50
    spool.broken = False
    assert recorder.commit(400.0)
    assert recorder.problem is None
    assert held(spool) == [1, *range(52, 351)]
    assert spool.tombstones() == {"b0": ((2, 51),)}
    assert recorder.drops == 50
