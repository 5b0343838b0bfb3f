"""A disk that fills up at any write call of the spool's: nothing is lost, nothing twice, and the agent goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgeslm_agent.contract.ranges import Range, count, ranges_of
from edgeslm_agent.contract.telemetry import Ack
from edgeslm_agent.errors import EnvironmentProblem
from edgeslm_agent.telemetry.recorder import Recorder
from edgeslm_agent.telemetry.spool import Spool
from edgeslm_agent.telemetry.uplink import Uplink
from support.full_disk import Disk, watched_disk

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = 3


def live(path: Path, disk: Disk, full: range) -> tuple[set[int], set[int], int]:
    """Take samples, send them, get acks, while some write calls fail; then let the disk have room again.

    Returns the numbers given out, those a collector has, and how many write calls there were.
    """
    spool = Spool(path)
    recorder, uplink, have = Recorder(spool, "b1"), Uplink(spool), set[int]()
    uplink.connected(0.0)
    disk.calls, disk.full = 0, full
    for step in range(ROUNDS):
        now = 10.0 * step
        for _ in range(4):
            recorder.sample({"cpu_percent": float(step)}, 5.0, now)
        recorder.event("tick", "info", "x" * 300, 5.0, now)
        recorder.commit(now)
        deliver(uplink, have, now)
    calls, disk.full = disk.calls, range(0)
    assert recorder.commit(1000.0), "the disk has room again"
    for step in range(20):
        deliver(uplink, have, 2000.0 + 400.0 * step)
    dropped = {number for first, last in spool.tombstones().get("b1", ()) for number in range(first, last + 1)}
    waiting = {one.seq for one in spool.after(0, 10_000, 2**30, "sample")}
    waiting |= {one.seq for one in spool.after(0, 10_000, 2**30, "event")}
    spool.close()
    assert not dropped, "the bound of the memory was not reached"
    assert not waiting - have, "what the collector has was acknowledged, or is sent again"
    return set(range(1, recorder.last_seq + 1)), have, calls


def deliver(uplink: Uplink, have: set[int], now: float) -> None:
    """Play the collector; a disk that fails on an ack leaves the record there, to be sent again."""
    try:
        while batch := uplink.next(now):
            numbers = numbers_of(batch.leaf, batch.payload)
            have.update(number for first, last in numbers for number in range(first, last + 1))
            uplink.acknowledge(Ack("b1", numbers), now)
    except EnvironmentProblem:
        return


def numbers_of(leaf: str, payload: bytes) -> tuple[Range, ...]:
    from edgeslm_agent.contract.telemetry import parse_events, parse_telemetry

    records = parse_events(payload).events if leaf == "event" else parse_telemetry(payload).samples
    return ranges_of(one.seq for one in records)


@pytest.mark.slow
@pytest.mark.parametrize("calls_that_fail", [1, 10_000])
def test_disk_full_at_every_write_call_loses_nothing(tmp_path: Path, calls_that_fail: int) -> None:
    with watched_disk() as disk:
        made, have, calls = live(tmp_path / "healthy", disk, range(0))
        assert have == made
        assert calls > 15
        for at in range(calls):
            made, have, _ = live(tmp_path / f"full-{at}", disk, range(at, at + calls_that_fail))
            assert have == made, f"write call {at}"


@pytest.mark.slow
def test_disk_full_while_a_spool_is_opened_keeps_what_it_held(tmp_path: Path) -> None:
    from edgeslm_agent.telemetry.opening import open_spool
    from edgeslm_agent.telemetry.spool import SpoolLimits

    with watched_disk() as disk:
        for at in range(25):
            path = tmp_path / f"spool-{at}"
            before = Spool(path)
            recorder = Recorder(before, "b0")
            recorder.sample({}, 5.0, 0.0)
            recorder.commit(0.0)
            disk.calls, disk.full = 0, range(at, 10_000)
            opened, _ = open_spool(path, SpoolLimits())
            again = Recorder(opened, "b1")
            again.sample({}, 5.0, 0.0)
            again.commit(0.0)
            opened.close()
            disk.full = range(0)
            before.close()
            found = Spool(path)
            assert "b0" in {one.boot for one in found.after(0, 100, 2**20)}
            assert count(ranges_of(one.seq for one in found.after(0, 1, 2**20))) == 1
            found.close()


def test_a_full_disk_is_noticed() -> None:
    with watched_disk() as disk:
        spool = Spool(None)
        spool.close()
        assert disk.calls == 0, "a spool in memory writes nothing"
