"""`edgeslm-agent` without a network: usage, configuration, status, doctor, a broken spool, an absent bundle."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest

from edgeslm_agent import cli, doctor
from edgeslm_agent.agent import Agent
from edgeslm_agent.cli import main
from edgeslm_agent.engine.proof import Proof
from edgeslm_agent.link.memory import MemoryBroker
from edgeslm_agent.telemetry.spool import Record, Spool
from support.mosquitto import nobody
from support.waiting import PATIENCE_S, eventually

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> MemoryBroker:
    """Every agent of the command line connects to this broker, and leaves signals alone (it runs in a thread)."""
    made = MemoryBroker()
    monkeypatch.setattr("edgeslm_agent.link.mqtt.MqttTransport", lambda _address: made)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    return made


def run_until(condition: object, *arguments: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run the command line in a thread until the condition holds, then stop the agent as a signal would."""
    started: list[tuple[Agent, threading.Event]] = []
    healthy = Agent.run

    def run(self: Agent, stop: threading.Event) -> None:
        started.append((self, stop))
        healthy(self, stop)

    monkeypatch.setattr(Agent, "run", run)
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(main(list(arguments))))
    thread.start()
    eventually(lambda: started or codes, "the agent runs, or says why not")
    try:
        eventually(condition)  # type: ignore[arg-type]
    finally:
        agent, stop = started[0]
        cli._stop(stop, agent)
        thread.join(PATIENCE_S)
    return codes[0]


def state_of(folder: Path) -> dict[str, object]:
    file = folder / "state.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--id", "home/kitchen"],
        ["--broker", "mqtt://x"],
        ["--id", "kitchen", "--broker", "mqtt://x"],
        ["--id", "a/b", "--broker", "x"],
    ],
)
def test_wrong_usage_is_exit_2_with_an_example(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", *arguments, "--spool", str(tmp_path / "spool")]) == 2
    assert "hint:" in capsys.readouterr().err


def test_wrong_configuration_is_exit_3_with_every_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "agent.json"
    file.write_text('{\n"broker": 5,\n"brocker": "x"}', encoding="utf-8")
    assert main(["run", "--config", str(file)]) == 3
    told = capsys.readouterr().err
    assert f"{file}:2:" in told
    assert f"{file}:3:" in told


def test_status_before_while_and_after_an_agent_runs(
    tmp_path: Path, broker: MemoryBroker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "spool"
    assert main(["status", "--spool", str(folder)]) == 4
    during: list[int] = []

    def online() -> bool:
        if state_of(folder).get("state") == "online":
            during.append(main(["status", "--spool", str(folder), "--json"]))
        return bool(during)

    assert (
        run_until(online, "run", "--id", "a/b", "--broker", "mqtt://x", "--spool", str(folder), monkeypatch=monkeypatch)
        == 0
    )
    assert during[0] == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("{"))
    assert json.loads(line)["running"] is True
    assert main(["status", "--spool", str(folder)]) == 1
    assert "not running, offline" in capsys.readouterr().out
    assert b'"offline"' in broker.retained["edgeslm/v1/a/b/status"]


def test_bundle_that_is_absent_is_a_failed_state_and_the_agent_stays(
    tmp_path: Path, broker: MemoryBroker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "spool"
    arguments = [
        "run",
        "--id",
        "a/b",
        "--broker",
        "mqtt://x",
        "--spool",
        str(folder),
        "--bundle",
        str(tmp_path / "absent"),
    ]
    assert run_until(lambda: state_of(folder).get("model_state") == "failed", *arguments, monkeypatch=monkeypatch) == 0
    assert b'"failed"' in broker.retained["edgeslm/v1/a/b/status"]
    assert "absent" in capsys.readouterr().err


def test_broken_spool_is_set_aside(
    tmp_path: Path, broker: MemoryBroker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "spool"
    folder.mkdir()
    (folder / "spool.sqlite").write_bytes(b"garbage that is long enough to be read as a page" * 200)
    arguments = ["run", "--id", "a/b", "--broker", "mqtt://x", "--spool", str(folder)]
    assert run_until(lambda: state_of(folder).get("state") == "online", *arguments, monkeypatch=monkeypatch) == 0
    assert (folder / "spool.sqlite.broken").read_bytes().startswith(b"garbage")
    assert "set aside" in capsys.readouterr().err
    assert broker.clients() == ()


def test_second_agent_in_one_folder_is_exit_4(
    tmp_path: Path, broker: MemoryBroker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "spool"
    arguments = ["run", "--id", "a/b", "--broker", "mqtt://x", "--spool", str(folder)]
    codes: list[int] = []

    def second() -> bool:
        if state_of(folder).get("state") == "online" and not codes:
            codes.append(main(arguments))
        return bool(codes)

    run_until(second, *arguments, monkeypatch=monkeypatch)
    assert codes == [4]
    assert "another agent" in capsys.readouterr().err
    assert broker.clients() == ()


@pytest.fixture
def broken_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let onnxruntime be installed and end its process, and nothing else be there."""
    found = Proof("onnxruntime", "1.0.0", works=False, found="ends the process with SIGILL")
    absent = Proof("ai-edge-litert", None, works=False, found="not installed")
    monkeypatch.setattr(doctor, "prove", {one.package: one for one in (found, absent)}.__getitem__)


@pytest.mark.usefixtures("broken_wheel")
def test_doctor_names_what_is_missing_and_what_to_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with nobody() as url:
        arguments = ["doctor", "--broker", url, "--bundle", str(tmp_path / "absent"), "--spool", str(tmp_path / "a/b")]
        assert main([*arguments, "--json"]) == 4
        document = json.loads(capsys.readouterr().out)
        assert main(arguments) == 4
    findings = {one["name"]: one for one in document["findings"]}
    assert document["schema"] == "edgeslm.agent-doctor/1"
    assert findings["machine"]["ok"]
    assert findings["spool"]["ok"]
    assert not findings["runtime"]["ok"]
    assert findings["runtime"]["detail"] == "onnxruntime 1.0.0 ends the process with SIGILL"
    assert not findings["broker"]["ok"]
    assert "start the broker" in findings["broker"]["remedy"]
    assert not findings["bundle"]["ok"]
    assert "MISSING" in capsys.readouterr().out
    assert not (tmp_path / "a").exists()


@pytest.mark.usefixtures("broken_wheel")
def test_spool_of_a_read_only_place_is_named_by_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--spool", "/proc/nowhere", "--json"]) == 4
    findings = {one["name"]: one for one in json.loads(capsys.readouterr().out)["findings"]}
    assert "not writable" in findings["spool"]["detail"]


def test_status_counts_what_no_collector_has_yet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spool = Spool(tmp_path / "spool.sqlite")
    spool.append([Record("b", 1, "sample", b"{}")])
    spool.close()
    (tmp_path / "state.json").write_text(
        '{"state": "offline", "detail": "stopped", "model_state": "none"}', encoding="utf-8"
    )
    assert main(["status", "--spool", str(tmp_path)]) == 1
    assert "1 records" in capsys.readouterr().out
