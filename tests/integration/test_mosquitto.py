"""The whole path over a real Mosquitto: kills of every part, refusals, wills, hostile payloads.

What is killed is a process; what only has to run is a thread of the test.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edgeslm.cli.main import main
from edgeslm.fleet.broker import running_broker
from edgeslm.fleet.client import Client
from edgeslm.fleet.fleet import Fleet
from edgeslm_agent.contract.codec import Malformed
from edgeslm_agent.contract.status import parse_status
from edgeslm_agent.errors import Refused, Unreachable
from edgeslm_agent.link.address import parse_address
from edgeslm_agent.link.endpoint import Endpoint
from edgeslm_agent.link.mqtt import MqttTransport
from edgeslm_agent.link.transport import Connected, Lost, Outgoing, Received, SessionOptions
from edgeslm_agent.serving.responder import Echo
from support.fleet import QUICK, deliver_the_rest, missing_numbers, rows, running_agent, running_collector
from support.hostile import HOSTILE
from support.mosquitto import mosquitto, nobody
from support.toy_graph import write_toy_bundle
from support.waiting import PATIENCE_S, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    Process = subprocess.Popen[str]

pytestmark = pytest.mark.slow
COUNT = "SELECT count(*) FROM samples"


def transport(url: str) -> MqttTransport:
    return MqttTransport(parse_address(url))


@contextlib.contextmanager
def process(module: str, *arguments: str) -> Iterator[Process]:
    """Run `python -m MODULE` for the block; it is killed hard when it is still there."""
    code = f"import sys; from {module} import main; sys.exit(main())"
    started = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield started
    finally:
        started.kill()
        started.communicate()


def agent_process(url: str, identity: str, spool: Path, *more: str) -> contextlib.AbstractContextManager[Process]:
    arguments = ("run", "--broker", url, "--id", identity, "--spool", str(spool), "--interval", "0.1", *more)
    return process("edgeslm_agent.cli", *arguments)


def collector_process(url: str, database: Path) -> contextlib.AbstractContextManager[Process]:
    return process("edgeslm.cli.main", "fleet", "collect", "--broker", url, "--db", str(database))


def stored(database: Path) -> int:
    with contextlib.suppress(sqlite3.OperationalError):  # not made yet
        return int(str(rows(database, COUNT)[0][0]))
    return 0


def waiting(spool: Path) -> int:
    with contextlib.suppress(sqlite3.OperationalError):  # not made yet
        return len(rows(spool, "SELECT seq FROM records"))
    return 0


def states_in(database: Path) -> list[str]:
    return [json.loads(str(status))["state"] for (status,) in rows(database, "SELECT status FROM devices")]


def test_broker_killed_under_load_costs_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    database, spools = tmp_path / "db", [tmp_path / "a", tmp_path / "b"]
    with mosquitto(tmp_path) as broker:
        with running_collector(transport(broker.url), database):
            with (
                running_agent(transport(broker.url), "home/a", spool=spools[0], interval_s=0.005, load=Echo),
                running_agent(transport(broker.url), "home/b", spool=spools[1], interval_s=0.005, load=Echo),
            ):
                for _ in range(4):
                    before = stored(database)
                    eventually(lambda before=before: stored(database) > before + 50)  # type: ignore[misc]
                    broker.kill()
                    broker.start()
                before = stored(database)
                eventually(lambda: stored(database) > before + 50)
            for identity, spool in zip(("home/a", "home/b"), spools, strict=True):
                deliver_the_rest(transport(broker.url), identity, spool)
        assert missing_numbers(database, *spools) == {}
        assert stored(database) > 250


def test_collector_killed_again_and_again_costs_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    database, spool = tmp_path / "db", tmp_path / "spool"
    with mosquitto(tmp_path) as broker, running_agent(transport(broker.url), spool=spool, interval_s=0.005):
        for _ in range(5):
            before = stored(database)
            with collector_process(broker.url, database) as collector:
                eventually(lambda before=before: stored(database) > before)  # type: ignore[misc]
                collector.kill()
        with running_collector(transport(broker.url), database):
            eventually(lambda: missing_numbers(database) == {}, "every number arrives")
    assert missing_numbers(database, spool) == {}


def test_agent_killed_and_started_again_delivers_what_it_left(tmp_path: Path) -> None:
    database, spool = tmp_path / "db", tmp_path / "spool/spool.sqlite"
    kept = "SELECT boot, seq FROM samples UNION ALL SELECT boot, seq FROM events"
    with mosquitto(tmp_path) as broker:
        for _ in range(3):
            with agent_process(broker.url, "home/kitchen", spool.parent) as agent:
                before = waiting(spool)
                eventually(lambda before=before: waiting(spool) > before + 5)  # type: ignore[misc]
                agent.kill()
        left = set(rows(spool, "SELECT boot, seq FROM records"))
        assert len({boot for boot, _ in left}) == 3
        with running_collector(transport(broker.url), database):
            with agent_process(broker.url, "home/kitchen", spool.parent) as agent:
                eventually(lambda: left <= set(rows(database, kept)))
                agent.send_signal(signal.SIGTERM)
                assert agent.wait(PATIENCE_S) == 0
            assert missing_numbers(database, spool) == {}
            deliver_the_rest(transport(broker.url), "home/kitchen", spool)
        assert ("stopped",) in rows(database, "SELECT kind FROM events")
    assert missing_numbers(database, spool) == {}


def test_last_will_and_goodbye_are_seen(tmp_path: Path) -> None:
    def state() -> tuple[str, int] | None:
        for happening in iter(lambda: ear.poll(0.05), None):
            if isinstance(happening, Received):
                with contextlib.suppress(Malformed):
                    status = parse_status(happening.payload)
                    states.append((status.state, status.session))
        return states[-1] if states else None

    states: list[tuple[str, int]] = []
    with mosquitto(tmp_path) as broker:
        ear = Endpoint(transport(broker.url), SessionOptions("ear"), ["edgeslm/v1/home/kitchen/status"])
        for end, code in ((signal.SIGKILL, -9), (signal.SIGTERM, 0), (signal.SIGINT, 0)):
            with agent_process(broker.url, "home/kitchen", tmp_path / "spool") as agent:
                eventually(lambda: (state() or ("", 0))[0] == "online")
                session = states[-1][1]
                agent.send_signal(end)
                eventually(lambda session=session: state() == ("offline", session))  # type: ignore[misc]
                assert agent.wait(PATIENCE_S) == code
        ear.close()


def test_login_is_asked_for_and_given(tmp_path: Path) -> None:
    with mosquitto(tmp_path, password="s3cret") as broker:  # noqa: S106 - of this test alone
        anonymous = transport(broker.url)
        wrong = transport(broker.url.replace("//", "//user:wrong@"))
        right = transport(broker.url.replace("//", "//user:s3cret@"))
        for refused in (anonymous, wrong):
            with pytest.raises(Refused) as caught:
                Client(refused, "home/kitchen")
            assert "login" in caught.value.hint
            assert "wrong" not in str(caught.value)
        (tmp_path / "secrets").mkdir()
        (tmp_path / "secrets/login").write_text("user:s3cret\n", encoding="utf-8")
        with running_agent(right):
            assert Fleet(broker.url, tmp_path / "secrets").ping("home/kitchen").state == "done"
        with agent_process(broker.url, "home/refused", tmp_path / "spool") as agent:
            assert agent.stderr
            assert any("refused the login" in line for line in itertools.islice(agent.stderr, 20))
            assert agent.poll() is None


def test_sockets_send_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options: list[tuple[int, ...]] = []
    real = socket.socket.setsockopt

    def seen(self: socket.socket, *option: int) -> None:
        options.append(option)
        real(self, *option)

    monkeypatch.setattr(socket.socket, "setsockopt", seen)
    with mosquitto(tmp_path) as broker, Client(MqttTransport(parse_address(broker.url)), "home/one"):
        assert (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1) in options


def test_nobody_there_is_unreachable_with_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    with nobody() as url, pytest.raises(Unreachable) as caught:
        Client(transport(url), "home/kitchen")
    assert "start the broker" in caught.value.hint

    def unknown(*_arguments: object, **_more: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)  # what a resolver says and how soon is not ours to test
    with pytest.raises(Unreachable, match="nobody usable") as caught:
        Client(transport("mqtt://host.invalid"), "home/kitchen")
    assert "host name" in caught.value.hint


# paho leaves the socket of a failed handshake to the garbage collector, which closes it and says so
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_tls_spoken_to_a_plain_port_says_what_to_check(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        with pytest.raises(Unreachable) as caught:
            Client(transport(broker.url.replace("mqtt:", "mqtts:")), "home/kitchen")
        assert "TLS" in caught.value.hint


def test_hostile_payloads_on_every_topic_leave_agent_and_collector_working(tmp_path: Path) -> None:
    database = tmp_path / "db"
    with mosquitto(tmp_path) as broker:
        hostile = Endpoint(transport(broker.url), SessionOptions("hostile"))
        assert isinstance(hostile.poll(PATIENCE_S), Connected)
        with running_collector(transport(broker.url), database), running_agent(transport(broker.url), load=Echo):
            fleet = Fleet(broker.url)
            eventually(lambda: stored(database))
            for leaf in ("command", "ack", "telemetry", "event", "status", "capability"):
                for payload in HOSTILE:
                    hostile.publish(Outgoing(f"edgeslm/v1/home/kitchen/{leaf}", payload))
            assert hostile.flush(PATIENCE_S)
            hostile.close()
            assert fleet.ask("home/kitchen", "still here").text == "still here"
            before = stored(database)
            eventually(lambda: stored(database) > before)
            eventually(lambda: missing_numbers(database) == {})
        assert rows(database, "SELECT count(*) FROM counters WHERE name LIKE 'malformed%'")[0][0] != 0


def test_same_identity_twice_throws_the_first_out_and_neither_loses(tmp_path: Path) -> None:
    database = tmp_path / "db"
    with mosquitto(tmp_path) as broker, running_collector(transport(broker.url), database):
        with running_agent(transport(broker.url), spool=tmp_path / "one", boot="one"):
            eventually(lambda: stored(database))
            with running_agent(transport(broker.url), spool=tmp_path / "two", boot="two"):
                eventually(lambda: len(rows(database, "SELECT DISTINCT boot FROM samples")) == 2)
            eventually(lambda: rows(tmp_path / "one", "SELECT * FROM records WHERE boot = 'one' AND seq < 5") == [])
        for spool in (tmp_path / "two", tmp_path / "one"):
            deliver_the_rest(transport(broker.url), "home/kitchen", spool)
    assert missing_numbers(database, tmp_path / "one", tmp_path / "two") == {}


def test_broker_bounds_are_kept(tmp_path: Path) -> None:
    """Receive Maximum from CONNACK: paho ignores it, the endpoint does not."""
    with mosquitto(tmp_path, extra="max_inflight_messages 3\nmax_packet_size 5000") as broker:
        endpoint = Endpoint(transport(broker.url), SessionOptions("x"), ["t"])
        connected = endpoint.poll(PATIENCE_S)
        assert isinstance(connected, Connected)
        assert connected.receive_maximum == 3
        assert connected.max_packet_bytes == 5000
        assert endpoint.room == 3
        endpoint.publish(Outgoing("t", b"x" * 6000))
        for number in range(50):
            endpoint.publish(Outgoing("t", str(number).encode()))
        got: list[int] = []
        while len(got) < 50:
            happening = endpoint.poll(PATIENCE_S)
            assert isinstance(happening, Received)
            got.append(int(happening.payload))
        assert got == list(range(50))
        assert endpoint.dropped == 1
        endpoint.close()


def test_neither_a_thread_nor_a_socket_is_left_behind_after_many_connections(tmp_path: Path) -> None:
    def sockets() -> int:
        links = (f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd"))  # noqa: PTH208 - names alone
        return sum(os.path.realpath(link).partition(":")[0].endswith("socket") for link in links)

    before = threading.active_count(), sockets()
    gc.disable()  # a device that does little collects garbage too seldom to close sockets by it
    try:
        with mosquitto(tmp_path) as broker:
            endpoint = Endpoint(transport(broker.url), SessionOptions("x"), ["t"], patience=QUICK)
            for _ in range(5):
                while not isinstance(endpoint.poll(PATIENCE_S), Connected):
                    pass
                broker.kill()
                assert isinstance(endpoint.poll(PATIENCE_S), Lost)
                broker.start()
            endpoint.close()
        eventually(lambda: threading.active_count() <= before[0], "paho's threads end")
        assert sockets() <= before[1]
    finally:
        gc.enable()


def test_command_line_from_collecting_to_reading(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    database = tmp_path / "db"
    with mosquitto(tmp_path) as broker, collector_process(broker.url, database) as collector:
        monkeypatch.setenv("EDGESLM_BROKER", broker.url)
        assert collector.stdout
        assert "collecting from" in collector.stdout.readline()
        with running_agent(transport(broker.url), "home/a", load=Echo), running_agent(transport(broker.url), "home/b"):
            eventually(lambda: len(rows(database, "SELECT DISTINCT device FROM samples")) == 2)
            assert main(["fleet", "command", "home/a", "turn on the light", "--json"]) == 0
            assert json.loads(capsys.readouterr().out)["text"] == "turn on the light"
            assert main(["fleet", "command", "home/b", "turn on the light"]) == 1
            capsys.readouterr()
            assert main(["fleet", "status", "--json"]) == 0
            status = json.loads(capsys.readouterr().out)
            assert status["schema"] == "edgeslm.fleet-status/1"
            assert [(row["device"], row["state"], row["variant"]) for row in status["devices"]] == [
                ("home/a", "online", "echo"),
                ("home/b", "online", None),
            ]
            assert main(["telemetry", "home/a", "--json"]) == 0
            telemetry = json.loads(capsys.readouterr().out)
            assert telemetry["schema"] == "edgeslm.telemetry/1"
            assert [row["device"] for row in telemetry["devices"]] == ["home/a"]
            assert telemetry["devices"][0]["figures"]["decode_tps"] == 100.0
            assert main(["telemetry", "--follow", "--wait", "5s", "--json"]) == 0
            lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
            assert {line["device"] for line in lines} == {"home/a", "home/b"}
            assert all(line["schema"] == "edgeslm.telemetry/1" for line in lines)
            assert main(["fleet", "status"]) == 0
            assert "home/b" in capsys.readouterr().out
            assert main(["telemetry"]) == 0
            assert "tokens/s" in capsys.readouterr().out
        eventually(lambda: states_in(database) == ["offline", "offline"], "the goodbyes are stored")
        collector.send_signal(signal.SIGTERM)
        assert collector.wait(PATIENCE_S) == 0
        assert "samples" in collector.stdout.read()
    assert main(["fleet", "status", "--db", str(database), "--json"]) == 0
    assert [row["state"] for row in json.loads(capsys.readouterr().out)["devices"]] == ["offline", "offline"]


@pytest.mark.parametrize("kind", ["embedded", "mosquitto"])
def test_demo_broker_serves_an_agent_a_collector_and_a_viewer(kind: str, tmp_path: Path) -> None:
    database = tmp_path / "db"
    with running_broker(kind) as url:  # type: ignore[arg-type]
        fleet = Fleet(url)
        with (
            running_collector(transport(url), database),
            running_agent(transport(url), spool=tmp_path / "spool", load=Echo),
        ):
            eventually(lambda: stored(database))
            assert fleet.ask("home/kitchen", "hello").text == "hello"
            (row,) = fleet.status()
            assert (row.state, row.model) == ("online", "echo")
            eventually(lambda: missing_numbers(database) == {})
        eventually(lambda: [row.state for row in fleet.status(wait_s=1.0)] == ["offline"])
        with agent_process(url, "home/killed", tmp_path / "killed") as agent:
            eventually(lambda: any(one.device == "home/killed" for one in fleet.status("home/killed", wait_s=1.0)))
            agent.kill()
            agent.wait()
            eventually(lambda: [row.state for row in fleet.status("home/killed", wait_s=0.5)] == ["offline"])


def test_embedded_broker_ends_with_its_parent() -> None:
    code = (
        "import os, time\n"
        "from edgeslm.fleet.broker import running_broker\n"
        "with running_broker() as url:\n"
        "    print(url, flush=True)\n"
        "    os._exit(1)\n"
    )
    parent = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=os.environ)
    address = parse_address(parent.stdout.strip())

    def gone() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((address.host, address.port)) != 0

    eventually(gone, "the broker ends when its standard input does")


def test_agent_without_a_model_stays_small(tmp_path: Path) -> None:
    """At most 40 MB of proportional set size, measured while it reports."""
    with mosquitto(tmp_path) as broker, agent_process(broker.url, "home/kitchen", tmp_path / "spool") as agent:
        file = tmp_path / "spool/spool.sqlite"
        eventually(lambda: waiting(file) > 5)
        text = Path(f"/proc/{agent.pid}/smaps_rollup").read_text(encoding="ascii")
        pss = next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
        assert pss < 40 * 1024
        maps = Path(f"/proc/{agent.pid}/maps").read_text(encoding="ascii")
        assert not any(name in maps for name in ("numpy", "onnxruntime", "tokenizers"))


def test_agent_process_with_a_model_answers_and_a_broken_one_stays_up(tmp_path: Path) -> None:
    bundle, spool = write_toy_bundle(tmp_path / "toy"), tmp_path / "spool"
    with mosquitto(tmp_path) as broker:
        fleet = Fleet(broker.url)
        for state, graph in (("ready", None), ("failed", b"x")):
            if graph is not None:
                (bundle / "artifacts/model.onnx").write_bytes(graph)
            with agent_process(broker.url, "home/kitchen", spool, "--bundle", str(bundle)) as agent:
                eventually(lambda state=state: [row.model_state for row in fleet.status(wait_s=0.5)] == [state])  # type: ignore[misc]
                result = fleet.ask("home/kitchen", "Hello", max_tokens=3)
                assert result.state == ("done" if state == "ready" else "failed")
                assert fleet.ping("home/kitchen").state == "done"
                assert agent.poll() is None
                agent.send_signal(signal.SIGTERM)
                assert agent.wait(PATIENCE_S) == 0
