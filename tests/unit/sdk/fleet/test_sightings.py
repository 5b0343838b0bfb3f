"""The newest sample of each device, whatever order messages come in."""

from __future__ import annotations

from edgeslm.fleet.sightings import Sightings
from edgeslm_agent.contract.status import Status
from edgeslm_agent.contract.telemetry import Sample, Telemetry
from edgeslm_agent.contract.topics import DeviceId, Topic

STATUS = Status("online", "b1", 1, 1.0, "0.2.0", "ready", 10.0)


def telemetry(boot: str, *seqs: int) -> bytes:
    return Telemetry(boot, tuple(Sample(seq, 1.0, {"x": float(seq)}) for seq in seqs)).payload()


def test_newest_sample_wins_over_backlog_and_over_other_boots() -> None:
    who = DeviceId("home", "a")
    sightings = Sightings()
    sightings.take(Topic(who, "telemetry"), telemetry("b0", 900), 1.0)
    sightings.take(Topic(who, "status"), STATUS.payload(), 2.0)
    assert not sightings.heard_all()
    sightings.take(Topic(who, "telemetry"), telemetry("b1", 5, 7, 6), 3.0)
    assert sightings.heard_all()
    sightings.take(Topic(who, "telemetry"), telemetry("b0", 901), 4.0)
    sightings.take(Topic(who, "telemetry"), telemetry("b1", 3), 5.0)
    (one,) = sightings.sightings(13.0)
    assert (one.boot, one.sample and one.sample.seq, one.sample_age_s) == ("b1", 7, 10.0)


def test_malformed_messages_are_counted() -> None:
    sightings = Sightings()
    sightings.take(None, b"{}", 1.0)
    for leaf in ("status", "capability", "telemetry"):
        sightings.take(Topic(DeviceId("home", "a"), leaf), b"{", 1.0)
    assert sightings.malformed == 4
    assert sightings.sightings(1.0) == ()
