"""PROTOCOL.md's orders and refusals, played by an agent on an in-process broker; see test_protocol.py."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from edgeslm.fleet.configure import configure
from edgeslm.fleet.devices import parse_devices
from edgeslm_agent.contract.codec import Malformed
from edgeslm_agent.contract.command import Command
from edgeslm_agent.contract.desired import Desired, Reporting, parse_reported
from edgeslm_agent.contract.status import Capability, parse_status
from edgeslm_agent.contract.telemetry import Ack, parse_events, parse_telemetry
from edgeslm_agent.contract.topics import LEAVES, DeviceId
from edgeslm_agent.link.memory import MemoryBroker
from edgeslm_agent.serving.responder import Echo
from edgeslm_agent.state import keep_order, read_order
from support.clauses import clauses
from support.ear import KITCHEN, Ear
from support.fleet import missing_numbers, rows, running_agent, running_collector
from support.hostile import HOSTILE
from support.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from edgeslm_agent.contract.desired import Reported

pytestmark = pytest.mark.slow  # threads that talk over a broker


def answered(ear: Ear, version: int) -> Reported:
    """What the device reported about an order."""

    def found() -> list[Reported]:
        return [one for payload in ear.payloads("reported") if (one := parse_reported(payload)).version == version]

    eventually(found, f"an answer to version {version}")
    return found()[-1]


def events(ear: Ear, kind: str) -> list[str]:
    """The details of the events of a kind, each once."""
    every = [one for payload in ear.payloads("event") for one in parse_events(payload).events if one.kind == kind]
    return [detail for _, detail in sorted({(one.seq, one.detail) for one in every})]


def order(ear: Ear, version: int, **telemetry: object) -> None:
    ear.say(KITCHEN.topic("desired"), Desired(version, telemetry).payload(), retain=True)


@clauses("D1", "D2", "D3")
def test_orders_are_applied_or_refused_whole_and_answered() -> None:
    broker = MemoryBroker()
    ear = Ear(broker)
    with running_agent(broker, interval_s=0.05, boot="b1"):
        assert answered(ear, 0).telemetry == Reporting(interval_s=0.05)
        order(ear, 3, interval_s=60, compress_above=0)
        first = answered(ear, 3)
        assert (first.state, first.applied, first.boot, first.problems) == ("applied", 3, "b1", ())
        assert first.telemetry == Reporting(interval_s=60, compress_above=0)
        eventually(lambda: parse_status(broker.retained[KITCHEN.topic("status")]).interval_s == 60)
        order(ear, 4, interval_s=1, shutter=2)
        refused = answered(ear, 4)
        assert (refused.state, refused.applied, refused.problems) == ("refused", 3, ("unknown setting shutter",))
        assert refused.telemetry == first.telemetry
        order(ear, 2)
        assert answered(ear, 2).problems == ("version 2 is older than 3",)
        order(ear, 5)
        assert answered(ear, 5).telemetry == Reporting(interval_s=0.05)
        eventually(lambda: events(ear, "settings_applied") == ["version 3", "version 5"])
        assert events(ear, "settings_refused") == ["unknown setting shutter", "version 2 is older than 3"]
    assert parse_reported(broker.retained[KITCHEN.topic("reported")]).applied == 5


@clauses("D3", "D4")
def test_an_order_that_was_kept_holds_before_the_network_does(tmp_path: Path) -> None:
    broker = MemoryBroker()
    ear = Ear(broker)
    kept = Desired(8, {"interval_s": 30, "changes": {"temperature_c": 1.5}})
    keep_order(tmp_path, kept)
    assert read_order(tmp_path) == kept
    with running_agent(broker, order=read_order(tmp_path), keep=lambda order: keep_order(tmp_path, order)):
        assert answered(ear, 8).telemetry == Reporting(30, changes={"temperature_c": 1.5})
        order(ear, 9, interval_s=20)
        answered(ear, 9)
        eventually(lambda: read_order(tmp_path) == Desired(9, {"interval_s": 20}))
    for broken in (b"", b"{", Desired(9, {"interval_s": -1}).payload()):
        (tmp_path / "desired.json").write_bytes(broken)
        assert read_order(tmp_path) is None


@clauses("M10")
def test_samples_wait_for_each_other_and_an_event_takes_them_along() -> None:
    broker = MemoryBroker()
    ear = Ear(broker)
    with running_agent(broker, interval_s=0.1):
        order(ear, 1, batch_s=3600, compress_above=131072)
        answered(ear, 1)
        eventually(lambda: events(ear, "settings_applied"))
        eventually(lambda: hundreds(ear), "a hundred samples end the wait")
        assert hundreds(ear)[0][:1] == b"{", "not compressed"
        messages = len(ear.payloads("telemetry"))
        order(ear, 2, batch_s=3600, wrong=1)
        eventually(lambda: events(ear, "settings_refused"))
        eventually(lambda: len(ear.payloads("telemetry")) > messages, "what waited goes before the event")


def hundreds(ear: Ear) -> list[bytes]:
    return [payload for payload in ear.payloads("telemetry") if len(parse_telemetry(payload).samples) == 100]


@clauses("M10")
def test_under_changes_only_news_and_heartbeats_are_samples() -> None:
    broker = MemoryBroker()
    ear = Ear(broker)
    with running_agent(broker, interval_s=0.1, load=Echo):
        order(ear, 1, interval_s=0.1, changes={"requests": 0}, heartbeat_s=86400)
        answered(ear, 1)
        eventually(lambda: events(ear, "settings_applied"))
        ear.command(Command("1", "generate", "news"))
        ear.final("1")
        eventually(lambda: latest(ear)["requests"] == 1)
        messages = len(ear.payloads("telemetry"))
        ear.command(Command("2", "generate", "more news"))
        ear.final("2")
        eventually(lambda: latest(ear)["requests"] == 2)
        assert len(ear.payloads("telemetry")) == messages + 1
        assert parse_status(broker.retained[KITCHEN.topic("status")]).interval_s == 86400


def latest(ear: Ear) -> dict[str, float]:
    return dict(parse_telemetry(ear.payloads("telemetry")[-1]).samples[-1].figures)


@clauses("A2", "P7", "T5", "C7")
def test_what_is_refused_is_counted_and_told_once_a_minute() -> None:
    broker = MemoryBroker()
    ear = Ear(broker)
    hall = DeviceId("elsewhere", "hall")
    with running_agent(broker, interval_s=0.05, boot="b1"):
        eventually(lambda: ear.payloads("telemetry"))
        broker._sessions["edgeslm-home-kitchen"].filters.append("edgeslm/#")  # a broker that hands out what it likes
        ear.say(hall.topic("command"), Command("1", "ping").payload())
        eventually(lambda: events(ear, "refused") == ["1 of another device"])
        for payload in HOSTILE:
            for leaf in LEAVES:
                ear.say(hall.topic(leaf), payload)
            for leaf in ("command", "ack", "desired"):
                ear.say(f"edgeslm/v1/{KITCHEN}/{leaf}", payload)
        for _ in range(50):
            ear.say(KITCHEN.topic("ack"), Ack("b1", ((1, 10**9),)).payload())
        ear.command(Command("2", "ping"))
        ear.final("2")
        eventually(lambda: latest(ear)["malformed"] > 50 + len(LEAVES) * len(HOSTILE), "all are counted")
        assert events(ear, "refused") == ["1 of another device"], "told, and not again within the minute"


@clauses("D3")
def test_the_centre_sets_devices_and_sees_what_they_made_of_it() -> None:
    broker = MemoryBroker()
    with running_agent(broker, "home/a", interval_s=0.05), running_agent(broker, "home/b", interval_s=0.05):
        eventually(lambda: len(broker.retained) >= 6)
        changed = configure(broker, parse_devices(["home"]), {"interval_s": 30.0}, 60.0)
        assert [(one.device, one.state, one.version) for one in changed] == [
            ("home/a", "applied", 1),
            ("home/b", "applied", 1),
        ]
        one = configure(broker, parse_devices(["home/b", "home/away"]), {"batch_s": 5.0}, 60.0)
        assert [(each.device, each.state, each.version) for each in one] == [
            ("home/away", "pending", 1),
            ("home/b", "applied", 2),
        ]
        assert one[1].telemetry == Reporting(30.0, 5.0)
        refused = configure(broker, parse_devices(["home/b"]), {"interval_s": 0.0}, 60.0)
        assert (refused[0].state, refused[0].version) == ("refused", 3)
        back = configure(broker, parse_devices(["home/b"]), None, 60.0)
        assert (back[0].state, back[0].version, back[0].telemetry) == ("applied", 4, Reporting(0.05))
        seen = configure(broker, parse_devices(["home"]), {}, 60.0)
        assert [(each.device, each.state, each.version) for each in seen] == [
            ("home/a", "applied", 1),
            ("home/away", "pending", 1),
            ("home/b", "applied", 4),
        ]


@clauses("F1", "P4", "P7")
def test_a_lying_capability_is_refused_counted_and_seen_or_found_out_by_asking(tmp_path: Path) -> None:
    broker = MemoryBroker()
    ear = Ear(broker)
    honest = Capability("Pi 5", "arm", 4, 2**33, "Linux", "3.11", ("ping",), {})
    lies = [
        replace(honest, cores=10**9),
        replace(honest, memory_bytes=2**63 - 1),
        replace(honest, operations=("generate",) * 300),
        replace(honest, board="Pi\n5"),
    ]
    with running_collector(broker, tmp_path / "db"), running_agent(broker, interval_s=0.05):
        eventually(lambda: ear.payloads("capability"))
        for lie in lies:
            ear.say(KITCHEN.topic("capability"), lie.payload())
        told = "SELECT detail FROM events WHERE kind = 'refused' AND device = 'home/kitchen'"
        eventually(lambda: rows(tmp_path / "db", told), "an operator sees it")
        eventually(lambda: counted(tmp_path) == len(lies))
        ear.say(KITCHEN.topic("capability"), replace(honest, operations=("generate", "ping")).payload())
        ear.command(Command("1", "generate", "you said so"))
        assert ear.final("1").error == "generate is not supported by this agent, which runs without a model"
        eventually(lambda: missing_numbers(tmp_path / "db") == {})


def counted(folder: Path) -> object:
    return rows(folder / "db", "SELECT sum(value) FROM counters WHERE name LIKE 'malformed%'")[0][0]


def test_hostile_reports_are_malformed() -> None:
    for payload in HOSTILE:
        with pytest.raises(Malformed):
            parse_reported(payload)
