from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

from edgeslm.cli import doctor
from edgeslm.cli.main import main

if TYPE_CHECKING:
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
