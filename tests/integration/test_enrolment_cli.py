"""Both command lines from `fleet init` to a revoked device: with a desk, by hand, and what a person may get wrong."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from edgeslm.cli.main import main as sdk
from edgeslm.fleet.identity import pki
from edgeslm.fleet.identity.authority import open_authority
from edgeslm_agent.cli import main as agent
from edgeslm_agent.config import Config, credentials_folder, with_credentials
from support.identity import Site, site
from support.mosquitto import held_port
from support.waiting import PATIENCE_S, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow  # certificates, processes, a broker


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The authority that every verb means, made by `fleet init`."""
    monkeypatch.setenv("EDGESLM_AUTHORITY", str(tmp_path / "authority"))
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    monkeypatch.delenv("EDGESLM_CREDENTIALS", raising=False)
    with held_port() as held:
        assert sdk(["fleet", "init", "--host", "localhost", "--desk-port", str(held.getsockname()[1])]) == 0
        yield tmp_path / "authority"


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    document = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert isinstance(document, dict)
    return document


def test_from_a_token_to_an_identity_through_a_served_desk(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = "import sys; from edgeslm.cli.main import main; sys.exit(main())"
    desk = subprocess.Popen(
        [sys.executable, "-c", code, "fleet", "enroll", "--serve", "--json"], stdout=subprocess.PIPE
    )
    try:
        assert desk.stdout
        assert json.loads(desk.stdout.readline())["desk"].startswith("https://localhost:")
        capsys.readouterr()
        assert sdk(["fleet", "enroll", "home/kitchen", "--json"]) == 0
        token = str(told(capsys)["token"])
        assert agent(["enroll", token, "--ca", str(folder / "ca.pem")]) == 0
        credentials = tmp_path / "state/home_kitchen/credentials"
        assert f"--credentials {credentials}" in capsys.readouterr().out
        assert {path.name: path.stat().st_mode & 0o777 for path in credentials.iterdir()} == dict.fromkeys(
            ("ca.pem", "cert.pem", "key.pem", "identity.json"), 0o600
        )
        assert agent(["enroll", token, "--ca", str(folder / "ca.pem")]) == 0  # the answer may have been lost
        assert agent(["enroll", token, "--ca", str(folder / "ca.pem"), "--credentials", str(tmp_path / "other")]) == 7
        assert "used already" in capsys.readouterr().err
        assert agent(["enroll", "--renew", "--id", "home/kitchen"]) == 7
        assert "need not be renewed" in capsys.readouterr().err
        desk.send_signal(signal.SIGTERM)
        assert desk.wait(PATIENCE_S) == 0
    finally:
        desk.kill()
        desk.communicate()


def test_by_hand_without_a_network(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    request, certificate = tmp_path / "request.csr", tmp_path / "cert.pem"
    assert agent(["enroll", "--id", "home/far", "--csr", str(request)]) == 0
    assert "operator: edgeslm fleet enroll home/far" in capsys.readouterr().out
    assert sdk(["fleet", "enroll", "home/other", "--csr", str(request), "-o", str(certificate)]) == 7
    assert sdk(["fleet", "enroll", "home/far", "--csr", str(request)]) == 2
    assert sdk(["fleet", "enroll", "home/far", "--csr", str(tmp_path / "absent"), "-o", str(certificate)]) == 3
    assert not certificate.exists()
    assert sdk(["fleet", "enroll", "home/far", "--csr", str(request), "-o", str(certificate), "--json"]) == 0
    serial = told(capsys)["serial"]
    assert agent(["enroll", "--id", "home/far", "--certificate", str(certificate)]) == 2
    assert agent(
        ["enroll", "--id", "home/far", "--certificate", str(certificate), "--ca", str(folder / "ca.pem")]
    ) == 0  # fmt: skip
    installed = tmp_path / "state/home_far/credentials/cert.pem"
    assert pki.read_certificate(installed.read_bytes()).serial == serial
    capsys.readouterr()
    assert sdk(["fleet", "revoke", "home/far", "--json"]) == 0
    assert told(capsys)["serials"] == [serial]


def test_words_for_people(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sdk(["fleet", "enroll", "home/kitchen", "--valid", "5m"]) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines()[-1].startswith("edgeslm-agent enroll edgeslm1.")
    assert "for home/kitchen alone, once, until" in captured.err
    assert sdk(["fleet", "grant", "collector", "-o", str(tmp_path / "second")]) == 0
    assert "of a collector" in capsys.readouterr().out
    assert sdk(["fleet", "revoke", "home/kitchen"]) == 0
    captured = capsys.readouterr()
    assert "0 certificates and 1 unused tokens" in captured.out
    assert "SIGHUP" in captured.err
    assert sdk(["fleet", "init", "--port", "1234"]) == 0  # again: the hosts stay
    settings = open_authority(folder).settings
    assert (settings.hosts, settings.port) == (("localhost",), 1234)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["fleet", "enroll"], 2),
        (["fleet", "enroll", "kitchen"], 2),
        (["fleet", "enroll", "home/kitchen", "--valid", "8h", "--authority", "/nowhere"], 2),
        (["fleet", "enroll", "home/kitchen", "--valid", "200h"], 2),
        (["fleet", "enroll", "home/kitchen", "--serve"], 2),
        (["fleet", "revoke", "home/nobody"], 2),
        (["fleet", "grant", "king", "-o", "x"], 2),
        (["fleet", "init", "--host", "a b"], 2),
    ],
)
def test_wrong_use_of_the_operator_s_verbs(
    folder: Path, arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert folder.exists()
    assert sdk([*arguments, "--json"]) == code
    assert told(capsys)["schema"] == "edgeslm.error/1"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["x"],
        ["x", "--ca", "ca.pem"],
        ["--renew"],
        ["--csr", "x"],
        ["--renew", "--csr", "x", "--id", "home/kitchen"],
        ["--renew", "--id", "home/kitchen"],
        ["--csr", "x", "--id", "kitchen"],
    ],
)
def test_wrong_use_of_enroll(folder: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert folder.exists()
    assert agent(["enroll", *arguments]) == 2
    assert "hint:" in capsys.readouterr().err


def test_token_for_another_device_is_refused_on_this_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sdk(["fleet", "enroll", "home/kitchen", "--json"]) == 0
    token = str(told(capsys)["token"])
    assert agent(["enroll", token, "--ca", str(folder / "ca.pem"), "--id", "home/hall"]) == 2
    assert "the token is for home/kitchen" in capsys.readouterr().err
    assert agent(["enroll", token, "--ca", str(folder / "ca.pem")]) == 7
    assert "fleet enroll --serve" in capsys.readouterr().err


def test_machine_without_cryptography_is_told_what_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert folder.exists()
    monkeypatch.setattr("edgeslm.cli.fleet.authority.find_spec", lambda _name: None)
    for verb in (["init"], ["enroll", "home/kitchen"], ["revoke", "home/kitchen"], ["grant", "viewer", "-o", "x"]):
        assert sdk(["fleet", *verb]) == 4
        assert "edgeslm[fleet]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("age", "ok", "words"),
    [(0.1, True, "in 328 days"), (0.8, False, "in 73 days"), (1.1, False, "ended"), (-0.1, False, "clock")],
)
def test_both_doctors_say_when_the_certificate_ends(
    folder: Path, age: float, *, ok: bool, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    device = Site(open_authority(folder)).device(
        "home/kitchen", tmp_path / "device", now=time.time() - age * pki.CLIENT_S
    )
    capsys.readouterr()
    agent(["doctor", "--credentials", str(device), "--json"])
    (finding,) = [one for one in json.loads(capsys.readouterr().out)["findings"] if one["name"] == "certificate"]
    assert finding["ok"] == ok
    assert words in finding["detail"]
    code = sdk(["doctor", "--credentials", str(device), "--json"])
    (check,) = [one for one in told(capsys)["checks"] if one["name"] == "certificate"]  # type: ignore[attr-defined]
    assert check["state"] == ("ok" if ok else "missing")
    assert words in check["found"]
    assert ok or code == 4


def test_credentials_are_found_by_option_environment_and_id(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def looked_at(*arguments: str) -> bool:
        agent(["doctor", *arguments, "--json"])
        return "certificate" in [one["name"] for one in told(capsys)["findings"]]  # type: ignore[attr-defined]

    own = tmp_path / "state/home_kitchen/credentials"
    assert credentials_folder(Config()) is None
    assert credentials_folder(Config(id="home/kitchen")) == own
    device = Site(open_authority(folder)).device("home/kitchen", tmp_path / "device")
    (own / "next").mkdir(parents=True)  # an enrolment that is waiting for its answer is no identity
    assert with_credentials(Config(id="home/kitchen")) == Config(id="home/kitchen")
    assert not looked_at("--id", "home/kitchen")
    monkeypatch.setenv("EDGESLM_CREDENTIALS", str(device))
    assert looked_at("--id", "home/kitchen")
    assert not looked_at("--credentials", str(own))
    monkeypatch.delenv("EDGESLM_CREDENTIALS")
    shutil.copytree(device, own, dirs_exist_ok=True)
    assert looked_at("--id", "home/kitchen")


def test_agent_process_finds_its_credentials_and_every_fleet_verb_takes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with site(tmp_path) as here:
        here.device("home/kitchen", tmp_path / "state/home_kitchen/credentials")
        environment = {**os.environ, "STATE_DIRECTORY": str(tmp_path / "state")}
        code = "import sys; from edgeslm_agent.cli import main; sys.exit(main())"
        run = ["run", "--id", "home/kitchen", "--broker", here.authority.broker_url, "--interval", "0.2"]
        device = subprocess.Popen([sys.executable, "-c", code, *run], env=environment, stderr=subprocess.DEVNULL)
        monkeypatch.setenv("EDGESLM_BROKER", here.authority.operator_url)
        try:
            monkeypatch.setenv("EDGESLM_CREDENTIALS", str(here.authority.folder / "operator"))
            eventually(lambda: sdk(["fleet", "command", "home/kitchen", "--op", "ping"]) == 0, "the device answers")
            capsys.readouterr()
            monkeypatch.setenv("EDGESLM_CREDENTIALS", str(here.authority.folder / "viewer"))
            for verb in (["fleet", "status"], ["telemetry"]):
                assert sdk([*verb, "--json"]) == 0
                assert [row["device"] for row in told(capsys)["devices"]] == ["home/kitchen"]  # type: ignore[attr-defined]
            monkeypatch.setenv("EDGESLM_AUTHORITY", str(here.authority.folder))
            assert sdk(["fleet", "revoke", "home/kitchen", "--json"]) == 0
            done = told(capsys)
            assert (done["reloaded"], done["disconnected"]) == (True, True)
            eventually(lambda: sdk(["fleet", "command", "home/kitchen", "--op", "ping", "--timeout", "1s"]) == 7)
        finally:
            device.kill()
            device.wait()
