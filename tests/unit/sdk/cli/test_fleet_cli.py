"""The verbs `fleet` and `telemetry` up to the broker: usage, durations, errors, help without heavy imports."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from edgeslm.cli.broker import duration
from edgeslm.cli.main import main
from support.mosquitto import nobody

if TYPE_CHECKING:
    from pathlib import Path


pytestmark = pytest.mark.slow  # threads that talk over a broker


@pytest.mark.parametrize(
    ("text", "seconds"), [("12s", 12.0), ("12", 12.0), ("500ms", 0.5), ("1.5m", 90.0), ("2H", 7200.0), ("3 min", 180.0)]
)
def test_duration_is_read(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "0s", "-1s", "12 parsecs", "1e9", "nan", "inf"])
def test_bad_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="12s"):
        duration(text)


def test_missing_broker_is_a_usage_error(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDGESLM_BROKER", raising=False)
    assert main(["telemetry"]) == 2
    assert "EDGESLM_BROKER" in capsys.readouterr().err


@pytest.mark.parametrize("verb", [["telemetry"], ["fleet", "status"], ["fleet", "command", "home/kitchen", "hello"]])
def test_unreachable_broker_is_exit_7_with_a_hint(verb: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with nobody() as url:
        assert main([*verb, "--broker", url, "--json"]) == 7
    failure = json.loads(capsys.readouterr().out)
    assert failure["schema"] == "edgeslm.error/1"
    assert failure["error"] == "Unreachable"
    assert "start the broker" in failure["hint"]


def test_wrong_arguments_are_exit_2(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["telemetry", "a/b/c", "--broker", "mqtt://x"]) == 2
    assert main(["fleet", "command", "home/kitchen", "--broker", "mqtt://x"]) == 2
    assert main(["fleet", "status", "--db", str(tmp_path / "absent")]) == 2
    assert main(["telemetry", "--broker", "tcp://x"]) == 2
    capsys.readouterr()


def test_database_that_cannot_be_made_is_exit_4(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["fleet", "collect", "--db", str(tmp_path / "no/folder/db"), "--broker", "mqtt://x"]) == 4
    assert "--db" in capsys.readouterr().err


def test_help_loads_neither_paho_nor_a_database() -> None:
    code = (
        "import sys; from edgeslm.cli.main import main\n"
        "for words in (['fleet','--help'], ['telemetry','--help'], ['fleet','collect','--help']):\n"
        "    try: main(words)\n"
        "    except SystemExit: pass\n"
        "heavy = {'paho', 'sqlite3', 'numpy', 'rich', 'yaml', 'ssl', 'asyncio'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
