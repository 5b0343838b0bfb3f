"""The verbs `fleet` and `telemetry` up to the broker: usage, durations, errors, help without heavy imports."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from edgeslm.cli.broker import duration
from edgeslm.cli.main import main
from edgeslm.fleet.history import History, Intake
from edgeslm_agent.contract.telemetry import Sample
from edgeslm_agent.contract.topics import DeviceId
from support.mosquitto import nobody

if TYPE_CHECKING:
    from pathlib import Path

    from edgeslm.fleet.history import Address

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


@pytest.mark.parametrize("verb", ["collect", "tidy"])
def test_times_that_do_not_go_together_are_a_usage_error(
    verb: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["fleet", verb, "--db", str(tmp_path / "db"), "--keep-samples", "8d", "--keep-minutes", "7d"]
    assert main([*words, *(["--broker", "mqtt://x"] if verb == "collect" else [])]) == 2
    assert "--keep-minutes" in capsys.readouterr().err
    assert not (tmp_path / "db").exists()


def test_tidying_says_what_became_of_what(capsys: pytest.CaptureFixture[str], address: Address) -> None:
    history = History(address)
    old = [(DeviceId("home", "kitchen"), "b1", Sample(seq, time.time() - 8 * 86400, {})) for seq in range(3)]
    history.commit(Intake(samples=old), time.time())
    history.close()
    assert main(["fleet", "tidy", "--db", str(address), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {"schema": "edgeslm.fleet-tidy/1", "samples": 3, "minutes": 0, "events": 0, "notes": 0}
    assert main(["fleet", "tidy", "--db", str(address)]) == 0
    assert "0 samples became minutes" in capsys.readouterr().out


def test_history_without_its_extra_names_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeslm.fleet.history.find_spec", lambda _name: None)
    assert main(["fleet", "collect", "--db", str(tmp_path / "db"), "--broker", "mqtt://x"]) == 4
    assert "edgeslm[fleet]" in capsys.readouterr().err


def test_help_loads_neither_paho_nor_a_database() -> None:
    code = (
        "import sys; from edgeslm.cli.main import main\n"
        "for words in ('fleet', 'telemetry', 'fleet collect', 'fleet tidy'):\n"
        "    try: main([*words.split(), '--help'])\n"
        "    except SystemExit: pass\n"
        "databases = {'sqlite3', 'sqlalchemy', 'psycopg', 'alembic'}\n"
        "heavy = {'paho', 'numpy', 'rich', 'yaml', 'ssl', 'asyncio', *databases} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
