from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

from edgeslm.catalog import device
from edgeslm.cli import doctor
from edgeslm.cli.main import main
from edgeslm_agent.engine import proof
from edgeslm_agent.engine.proof import Proof

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_whole_machine_is_exit_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["schema"], document["ok"]) == ("edgeslm.doctor/1", True)
    assert {"Python", "onnxruntime", "memory", "disk here"} <= {check["name"] for check in document["checks"]}


def test_missing_package_is_exit_4_and_says_what_to_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = ("no-such-package", True, "does nothing", "pip install 'edgeslm[export]'")
    monkeypatch.setattr(doctor, "_PACKAGES", (wanted,))
    assert main(["doctor"]) == 4
    printed = capsys.readouterr().out
    assert "no-such-package" in printed
    assert "pip install 'edgeslm[export]'" in printed
    assert "1 missing" in printed


def test_optional_package_and_program_do_not_fail(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "_PACKAGES", (("no-such-package", False, "is nice to have", "pip install it"),))
    monkeypatch.setattr(shutil, "which", lambda *_args, **_options: None)
    assert main(["doctor"]) == 0
    assert "apt install mosquitto" in capsys.readouterr().out


def test_too_little_memory_is_missing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(doctor, "NEED_MEMORY", 2**60)
    assert main(["doctor"]) == 4
    assert "wanted" in capsys.readouterr().out


def test_this_machine_is_proposed_as_a_profile_that_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    proofs = {
        "onnxruntime": Proof("onnxruntime", "9.9.9", works=False, found="loading it ends the process with SIGILL"),
        "ai-edge-litert": Proof("ai-edge-litert", "2.3.0", works=True, found="loads"),
    }
    monkeypatch.setattr(proof, "prove", proofs.__getitem__)
    assert main(["doctor", "--device", "here"]) == 0
    printed = capsys.readouterr()
    assert "nearest known board: " in printed.err
    assert "SIGILL" in printed.err
    file = tmp_path / "mine.yaml"
    file.write_text(printed.out, encoding="utf-8")
    profile = device(str(file))
    assert (profile.onnxruntime.newest, profile.onnxruntime.avoid) == (None, ("9.9.9",))
    assert profile.litert is not None
    assert profile.litert.newest == "2.3.0"
    assert main(["doctor", "--device", "here", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "edgeslm.doctor.device/1"
    assert document["nearest"]["profile"] in printed.err
    assert document["runtimes"][0]["found"] == "loading it ends the process with SIGILL"
    assert document["profile"]["title"] == profile.title
