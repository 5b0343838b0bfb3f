"""PROTOCOL.md, clause by clause, played by an agent and a collector on an in-process broker.

Each test cites its clauses in `clauses(...)`; a clause of the document that nobody cites fails the last test.
"""

from __future__ import annotations

import json
import re
import threading
import zlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edgeslm.fleet.client import Client
from edgeslm_agent.contract.codec import MAX_WIRE_BYTES, Malformed, decode, encode
from edgeslm_agent.contract.command import Command
from edgeslm_agent.contract.fields import is_figure_name
from edgeslm_agent.contract.figures import FIGURES
from edgeslm_agent.contract.status import parse_capability, parse_status
from edgeslm_agent.contract.telemetry import Ack, parse_ack, parse_events, parse_telemetry
from edgeslm_agent.contract.topics import LEAVES, RETAINED, DeviceId, parse_topic
from edgeslm_agent.errors import Incompatible
from edgeslm_agent.link.endpoint import Patience
from edgeslm_agent.link.memory import MemoryBroker
from edgeslm_agent.serving.responder import Answer, Echo, ModelFacts, open_responder
from edgeslm_agent.telemetry.spool import Spool
from support.boards import board
from support.clauses import cited, clauses
from support.ear import KITCHEN, Ear
from support.fleet import missing_numbers, rows, running_agent, running_collector
from support.hostile import HOSTILE
from support.toy_encoder import LABELS, expected_output, write_toy_encoder
from support.toy_graph import BOS, EOS
from support.waiting import PATIENCE_S, eventually

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edgeslm_agent.contract.manifest import Task
    from edgeslm_agent.link.transport import Connection, Outgoing, SessionOptions, Sink

pytestmark = pytest.mark.slow  # threads that talk over a broker

PROTOCOL = (Path(__file__).parents[2] / "device_agent/PROTOCOL.md").read_text(encoding="utf-8")


class Watched(MemoryBroker):
    """A broker that writes down what clients ask for."""

    def __init__(self) -> None:
        super().__init__()
        self.options: list[SessionOptions] = []
        self.subscriptions: dict[str, list[str]] = {}
        self.order: list[str] = []

    def open(self, options: SessionOptions, sink: Sink) -> Connection:
        self.options.append(options)
        return super().open(options, sink)

    def subscribe(self, client_id: str, filters: Sequence[str]) -> None:
        self.subscriptions.setdefault(client_id, []).extend(filters)
        self.order.append("subscribe")
        super().subscribe(client_id, filters)

    def publish(self, message: Outgoing) -> None:
        self.order.append(message.topic.rpartition("/")[2])
        super().publish(message)


class Slow(Echo):
    """Answers when the test says so."""

    def __init__(self) -> None:
        self.go = threading.Event()

    def answer(self, prompt: str, max_tokens: int | None) -> Answer:
        if prompt == "too long":
            raise Incompatible("the prompt 'my secret' does not fit")
        assert self.go.wait(PATIENCE_S)
        return super().answer(prompt, max_tokens)


@clauses("T1", "T2", "T3", "T4", "T5")
def test_a_device_speaks_on_its_own_topics_and_hears_only_its_own() -> None:
    broker = Watched()
    ear = Ear(broker)
    with running_agent(broker, load=Echo):
        eventually(lambda: ear.payloads("telemetry"))
        ear.command(Command("1", "generate", "hello"))
        ear.final("1")
    for one in ear.heard:
        topic = parse_topic(one.topic)
        assert topic
        assert topic.owner == KITCHEN
        assert (one.topic in broker.retained) is (topic.leaf in RETAINED)
        assert not {"device", "fleet"} & decode(one.payload).keys()
    leaves = [one.rpartition("/")[2] for one in broker.subscriptions["edgeslm-home-kitchen"]]
    assert leaves == ["command", "ack", "desired"]
    assert {parse_topic(one).owner for one in broker.subscriptions["edgeslm-home-kitchen"]} == {KITCHEN}  # type: ignore[union-attr]
    table = re.findall(r"^\| (`.*?) \|", PROTOCOL, re.MULTILINE)
    assert {leaf for row in table for leaf in re.findall("`(.*?)`", row)} >= set(LEAVES)


@clauses("T5")
def test_messages_for_others_are_ignored() -> None:
    broker = MemoryBroker()
    ear = Ear(broker)
    other = DeviceId("home", "hall")
    with running_agent(broker, load=Echo):
        eventually(lambda: ear.payloads("status"))
        for client in broker._sessions.values():
            if client.options.client_id == "edgeslm-home-kitchen":
                client.filters.append("#")
        ear.say(other.topic("command"), Command("1", "ping").payload())
        ear.command(Command("2", "ping"))
        ear.final("2")
    assert ear.results("1") == []


@clauses("P1", "P2", "P3", "P5", "P6")
def test_payloads_say_themselves_what_they_are() -> None:
    small, big = encode({"a": 1}), encode({"a": "b" * 600})
    assert (small[:1], big[0]) == (b"{", 0x78)
    assert zlib.decompress(big) == b'{"v":1,"a":"' + b"b" * 600 + b'"}'
    assert decode(b'{"v":1,"future":[{}]}') == {"v": 1, "future": [{}]}
    for hostile in (
        b'{"v":2}',
        b"{" + b" " * MAX_WIRE_BYTES,
        zlib.compress(b" " * 10**7),
        big + b"x",
        big[:-1],
        b'{"v":1,"a":NaN}',
    ):
        with pytest.raises(Malformed):
            decode(hostile)
    assert is_figure_name("decode_tps")
    assert not any(map(is_figure_name, ("", "Tps", "1st", "a-b", "ä", "x" * 49)))


@clauses("P4")
def test_hostile_payloads_change_nothing_for_agent_and_collector(tmp_path: Path) -> None:
    broker = MemoryBroker()
    ear = Ear(broker)
    with running_collector(broker, tmp_path / "db"), running_agent(broker, load=Echo):
        eventually(lambda: ear.payloads("status"))
        for leaf in LEAVES:
            for payload in HOSTILE:
                ear.say(f"edgeslm/v1/home/kitchen/{leaf}", payload)
                ear.say(f"edgeslm/v1/evil\x00/kitchen/{leaf}", payload)
            ear.command(Command(leaf, "generate", "still here"))
            assert ear.final(leaf).text == "still here"
        before = rows(tmp_path / "db", "SELECT count(*) FROM samples")[0][0]
        eventually(lambda: rows(tmp_path / "db", "SELECT count(*) FROM samples")[0][0] != before)
        eventually(lambda: missing_numbers(tmp_path / "db") == {})
    # four leaves are the collector's; of its bad topics each message is counted
    malformed = rows(tmp_path / "db", "SELECT sum(value) FROM counters WHERE name LIKE 'malformed%'")[0][0]
    assert isinstance(malformed, int)
    assert malformed > 4 * len(HOSTILE)


@clauses("S1", "S2", "S3", "S5", "F1")
def test_status_follows_the_subscription_and_the_will_says_offline() -> None:
    broker = Watched()
    with running_agent(broker, boot="b7", load=Echo):
        eventually(lambda: KITCHEN.topic("capability") in broker.retained)
        assert broker.order.index("subscribe") < broker.order.index("status")
        options = broker.options[0]
        assert (options.client_id, options.clean, options.expiry_s) == ("edgeslm-home-kitchen", True, 0)
        online = parse_status(broker.retained[KITCHEN.topic("status")])
        assert (online.state, online.boot, online.session, online.agent) == ("online", "b7", 1, "1.2.3")
        broker.cut("edgeslm-home-kitchen")
        eventually(lambda: parse_status(broker.retained[KITCHEN.topic("status")]).session == 2, "it came back")
        wills = [parse_status(one.will.payload) for one in broker.options if one.will]
        assert [(one.state, one.session) for one in wills] == [("offline", 1), ("offline", 2)]
    assert parse_status(broker.retained[KITCHEN.topic("status")]).state == "offline"
    facts = parse_capability(broker.retained[KITCHEN.topic("capability")])
    assert facts.operations == ("generate", "measure", "ping")
    assert facts.cores >= 1


@clauses("S4")
def test_status_changes_with_the_model() -> None:
    broker = MemoryBroker()
    ear = Ear(broker)
    loading = threading.Event()

    def load() -> Echo:
        assert loading.wait(PATIENCE_S)
        return Echo()

    with running_agent(broker, load=load):
        eventually(lambda: ear.payloads("status"))
        loading.set()
        eventually(lambda: parse_status(ear.payloads("status")[-1]).model_state == "ready")
    states = [(one.state, one.model_state) for one in map(parse_status, ear.payloads("status"))]
    assert states == [("online", "loading"), ("online", "ready"), ("offline", "ready")]
    assert parse_status(ear.payloads("status")[1]).model == "echo"


@clauses("S6")
def test_waits_between_connections_are_bounded_by_a_minute() -> None:
    assert Patience().longest_wait_s == 60.0  # the jitter itself: tests/unit/agent/link/test_endpoint.py


@clauses("C1", "C2", "R1")
def test_a_command_is_accepted_and_done_with_figures() -> None:
    broker = MemoryBroker()
    ear = Ear(broker)
    with running_agent(broker, load=Echo), Client(broker, "home/kitchen") as client:
        result = client.ask("turn on the light", max_tokens=2)
        assert (result.state, result.text) == ("done", "turn on")
        assert {"first_token_s", "decode_tps", "queue_s"} <= result.figures.keys()
        assert [one.state for one in ear.results(result.id)] == ["accepted", "done"]
        assert client.send("measure").figures["decode_tps"] == 100.0
        ear.say(KITCHEN.topic("command"), b'{"v":1,"id":"odd","op":"dance"}')
        failed = ear.final("odd")
        assert (failed.state, failed.error) == ("failed", "the command is malformed: field op")


@clauses("C3", "C4", "C5")
def test_time_to_live_repeated_ids_and_a_bounded_queue() -> None:
    broker = MemoryBroker()
    ear = Ear(broker)
    slow = Slow()
    with running_agent(broker, load=lambda: slow, queue=2):
        eventually(lambda: ear.payloads("status") and parse_status(ear.payloads("status")[-1]).model_state == "ready")
        ear.command(Command("first", "generate", "one"))
        ear.command(Command("stale", "generate", "two", ttl_s=0.0))
        ear.command(Command("third", "generate", "three"))
        ear.command(Command("fourth", "generate", "four"))
        assert "busy" in (ear.final("fourth").error or "")
        ear.command(Command("first", "generate", "one"))
        eventually(lambda: len(ear.results("first")) == 2)
        slow.go.set()
        assert ear.final("third").text == "three"
        assert "expired" in (ear.final("stale").error or "")
        ear.command(Command("first", "generate", "one"))
        eventually(lambda: len(ear.results("first")) == 4)
    assert [one.state for one in ear.results("first")] == ["accepted", "accepted", "done", "done"]


@clauses("C6")
def test_what_is_not_served_fails_and_ping_always_answers() -> None:
    broker = MemoryBroker()
    with running_agent(broker), Client(broker, "home/kitchen") as client:
        assert client.send("ping").state == "done"
        assert "not supported" in (client.ask("hello").error or "")
    with running_agent(broker, load=Echo), Client(broker, "home/kitchen") as client:
        for op in ("embed", "classify"):
            assert client.send(op, prompt="x").error == f"{op} is not supported by this model"


@clauses("R3", "F1")
@pytest.mark.parametrize("task", ["embed", "classify"])
def test_an_encoder_answers_with_an_embedding_or_a_label_and_says_what_it_serves(tmp_path: Path, task: Task) -> None:
    broker = MemoryBroker()
    bundle = write_toy_encoder(tmp_path / task, task)
    with running_agent(broker, load=lambda: open_responder(bundle, 1)), Client(broker, "home/kitchen") as client:
        answer = client.send(task, prompt="so good")
        assert {"prompt_tokens", "dropped_tokens", "answer_s", "prefill_tps"} <= answer.figures.keys()
        assert client.send(task, prompt="so very, very good").figures["dropped_tokens"] == 4
        served = parse_capability(broker.retained[KITCHEN.topic("capability")]).operations
        assert served == (task, "measure", "ping")
    expected = expected_output(task, [BOS, *b"so good", EOS])
    if task == "embed":
        assert answer.text is None
        assert answer.embedding == pytest.approx(tuple(expected), abs=1e-6)
    else:
        assert (answer.text, answer.embedding) == (LABELS[int(expected.argmax())], ())
        assert answer.figures["score"] == pytest.approx(expected.max(), abs=1e-5)


@clauses("C7")
def test_a_retained_command_is_ignored() -> None:
    broker = MemoryBroker()
    ear = Ear(broker)
    ear.say(KITCHEN.topic("command"), Command("old", "ping").payload(), retain=True)
    with running_agent(broker):
        eventually(lambda: ear.payloads("status"))
        ear.command(Command("new", "ping"))
        ear.final("new")
    assert ear.results("old") == []


@clauses("C8")
def test_an_agent_that_stops_fails_what_it_did_not_finish() -> None:
    broker = MemoryBroker()
    ear = Ear(broker)
    slow = Slow()
    with running_agent(broker, load=lambda: slow):
        ear_ready = lambda: ear.payloads("status") and parse_status(ear.payloads("status")[-1]).model_state == "ready"  # noqa: E731
        eventually(ear_ready)
        ear.command(Command("1", "generate", "one"))
        ear.command(Command("2", "generate", "two"))
        eventually(lambda: ear.results("2"))
    slow.go.set()
    assert [ear.final(identity).error for identity in ("1", "2")] == ["the agent stopped"] * 2


@clauses("R2", "E2")
def test_prompts_and_completions_travel_in_commands_and_results_only(tmp_path: Path) -> None:
    broker = MemoryBroker()
    ear = Ear(broker)
    slow = Slow()
    slow.go.set()
    with running_collector(broker, tmp_path / "db"), running_agent(broker, load=lambda: slow, spool=tmp_path / "spool"):
        with Client(broker, "home/kitchen") as client:
            assert client.ask("my secret wish").text == "my secret wish"
            assert "my secret" in (client.ask("too long").error or "")
        eventually(lambda: rows(tmp_path / "db", "SELECT count(*) FROM events WHERE kind = 'request_failed'")[0][0])
    for one in ear.heard:
        topic = parse_topic(one.topic)
        assert topic
        if topic.leaf not in ("command", "result"):
            assert "secret" not in json.dumps(decode(one.payload))
    for file in tmp_path.iterdir():
        assert b"secret" not in file.read_bytes()
    kinds = {str(kind) for (kind,) in rows(tmp_path / "db", "SELECT DISTINCT kind FROM events")}
    assert kinds <= set(re.findall("`([a-z_]+)`", PROTOCOL.partition("**E2**")[2].partition("\n")[0]))


@clauses("M1", "M2", "E1", "A1", "A3")
def test_samples_and_events_share_one_count_and_each_is_kept_once(tmp_path: Path) -> None:
    broker = MemoryBroker()
    ear = Ear(broker)
    with running_collector(broker, tmp_path / "db"):
        with running_agent(broker, load=Echo, boot="b1"):
            eventually(lambda: rows(tmp_path / "db", "SELECT count(*) FROM samples")[0][0] != 0)
            for payload in ear.payloads("telemetry"):
                ear.say(KITCHEN.topic("telemetry"), payload)  # duplicates, as a broker may make them
            before = len(ear.payloads("ack"))
            eventually(lambda: len(ear.payloads("ack")) > before)
            eventually(lambda: missing_numbers(tmp_path / "db") == {})
        told = {one.seq for payload in ear.payloads("telemetry") for one in parse_telemetry(payload).samples}
        told |= {one.seq for payload in ear.payloads("event") for one in parse_events(payload).events}
        kept = "SELECT seq FROM samples UNION ALL SELECT seq FROM events"
        eventually(lambda: {seq for (seq,) in rows(tmp_path / "db", kept)} >= told)
    acked = [
        number
        for payload in ear.payloads("ack")
        for first, last in parse_ack(payload).ranges
        for number in range(first, last + 1)
    ]
    assert set(acked) == told
    assert all(parse_ack(payload).boot == "b1" for payload in ear.payloads("ack"))


@clauses("M3", "M4", "M5", "A2")
def test_a_record_is_on_disk_before_it_is_sent_and_leaves_with_its_ack_only(tmp_path: Path) -> None:
    broker = MemoryBroker()
    ear = Ear(broker)
    spool = tmp_path / "spool"
    seqs = "SELECT seq FROM records ORDER BY seq"
    with running_agent(broker, spool=spool, boot="b1"):
        eventually(lambda: ear.payloads("telemetry"))
        first = parse_telemetry(ear.payloads("telemetry")[0]).samples[0].seq
        assert (first,) in rows(spool, seqs)  # confirmed by the broker long ago, and still there
        ear.say(KITCHEN.topic("ack"), Ack("b1", ((first, first), (10**6, 10**9))).payload())
        ear.say(KITCHEN.topic("ack"), Ack("other", ((1, 10**9),)).payload())
        eventually(lambda: (first,) not in rows(spool, seqs))
        assert rows(spool, "SELECT count(*) FROM records")[0][0] != 0
        broker.cut("edgeslm-home-kitchen")
        kept = rows(spool, seqs)[0][0]
        count = len(ear.payloads("telemetry"))
        eventually(
            lambda: (
                any(kept == one.seq for p in ear.payloads("telemetry")[count:] for one in parse_telemetry(p).samples)
                or any(kept == one.seq for p in ear.payloads("event") for one in parse_events(p).events)
            ),
            "it is sent again",
        )


@clauses("M6")
def test_what_the_spool_gave_up_is_named_until_it_is_acknowledged(tmp_path: Path) -> None:
    broker = MemoryBroker()
    spool = Spool(tmp_path / "spool")
    spool.append([], [("old", (3, 8))])
    spool.close()
    with running_agent(broker, spool=tmp_path / "spool"), running_collector(broker, tmp_path / "db"):
        eventually(lambda: rows(tmp_path / "db", "SELECT boot, first, last FROM gaps") == [("old", 3, 8)])
        eventually(lambda: rows(tmp_path / "spool", "SELECT * FROM tombstones") == [])


@clauses("M7")
def test_a_disk_that_fails_leaves_an_agent_that_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from edgeslm_agent.errors import EnvironmentProblem

    broker = MemoryBroker()
    ear = Ear(broker)
    healthy, broken = Spool.append, threading.Event()

    def append(self: Spool, *arguments: object, **more: object) -> None:
        if broken.is_set():
            raise EnvironmentProblem("no space left on device")
        healthy(self, *arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Spool, "append", append)
    monkeypatch.setattr("edgeslm_agent.telemetry.reporter._DISK_PAUSE_S", 0.2)
    with running_collector(broker, tmp_path / "db"), running_agent(broker, load=Echo, interval_s=0.002) as agent:
        eventually(lambda: ear.payloads("telemetry"))
        broken.set()
        eventually(lambda: agent._reporter.drops, "more waits than the memory's bound allows")
        with Client(broker, "home/kitchen") as client:
            assert client.ask("still here").text == "still here"
        broken.clear()
        eventually(lambda: rows(tmp_path / "db", "SELECT count(*) FROM events WHERE kind = 'disk_failed'")[0][0])
        eventually(lambda: rows(tmp_path / "db", "SELECT * FROM gaps") and missing_numbers(tmp_path / "db") == {})


class Measured(Echo):
    """Claims 20 tokens a second on a Jetson, and writes 15."""

    facts = ModelFacts("0" * 64, "echo", "echo", claims={"jetson-orin-nano-8gb": 20.0})

    def answer(self, prompt: str, max_tokens: int | None) -> Answer:
        answer = super().answer(prompt, max_tokens)
        return replace(answer, figures={**answer.figures, "prompt_tokens": 11.0, "decode_tps": 15.0})


@clauses("F2", "M8", "M9")
def test_figures_are_of_the_table_and_their_sensors_are_named(tmp_path: Path) -> None:
    broker = MemoryBroker()
    ear = Ear(broker)
    root = board(tmp_path, "jetson-orin-nano")
    (root / "sys/class/thermal/thermal_zone0/temp").write_bytes(b"\xff" * 100)

    def last() -> Mapping[str, float]:
        return parse_telemetry(ear.payloads("telemetry")[-1]).samples[-1].figures

    with running_agent(broker, load=Measured, root=root, profile="jetson-orin-nano-8gb"):
        eventually(lambda: ear.payloads("telemetry"))
        ear.command(Command("1", "generate", "one two three"))
        ear.final("1")
        eventually(lambda: last().get("requests") == 1)
        figures = last()
    assert figures.keys() <= FIGURES.keys()
    assert not {"npu_percent", "energy_j", "under_voltage"} & figures.keys()
    assert (figures["power_w"], figures["temperature_c"], figures["decode_drift"]) == (5.599, 48.7, 0.75)
    assert (figures["prompt_tokens"], figures["completion_tokens"], figures["throttled"]) == (11, 3, 0)
    assert figures["energy_per_token_j"] > 0
    assert figures["sent_bytes"] > figures["received_bytes"] > 0
    facts = parse_capability(broker.retained[KITCHEN.topic("capability")])
    assert facts.sensors["power_w"] == "INA3221 VDD_IN"


@clauses("A4")
def test_a_collector_confirms_after_its_commit_and_keeps_its_session(tmp_path: Path) -> None:
    broker = Watched()
    with running_collector(broker, tmp_path / "db"):
        options = broker.options[0]
        assert not options.clean
        assert options.expiry_s > 86400
    with running_agent(broker):
        queued = broker._sessions["edgeslm-collector"].queued
        eventually(
            lambda: sum("telemetry" in one.topic for one in tuple(queued)) >= 3, "the broker keeps what comes meanwhile"
        )
    payloads = [one.payload for one in queued if one.topic == KITCHEN.topic("telemetry")]
    told = {(one.seq,) for payload in payloads for one in parse_telemetry(payload).samples}
    with running_collector(broker, tmp_path / "db"):
        eventually(lambda: set(rows(tmp_path / "db", "SELECT seq FROM samples")) >= told)
        eventually(lambda: not broker._sessions["edgeslm-collector"].unacknowledged)


@clauses("A5")
def test_a_collector_of_a_group_shares_records_reads_facts_alone_and_keeps_no_session(tmp_path: Path) -> None:
    broker = Watched()
    with running_collector(broker, tmp_path / "db", name="one-of-them", group="a-secret-of-ours"):
        options, filters = broker.options[0], broker.subscriptions["one-of-them"]
    assert options.clean
    assert options.expiry_s == 0
    shared = {name for name in filters if name.startswith("$share/a-secret-of-ours/")}
    assert {name.rpartition("/")[2] for name in shared} == {"telemetry", "event"}
    assert {name.rpartition("/")[2] for name in set(filters) - shared} == {"status", "capability"}


def test_every_clause_of_the_document_is_cited() -> None:
    defined = set(re.findall(r"^- \*\*([A-Z]\d+)\*\*", PROTOCOL, re.MULTILINE))
    assert len(defined) > 30
    assert defined == cited(Path(__file__).parent)
