"""`telemetry` and `fleet status` on a collector's database: filters, trends, nulls, alerts and exit codes."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from edgeslm.cli.main import main
from edgeslm.cli.sparkline import sparkline
from edgeslm.fleet.history import History, Intake
from edgeslm_agent.contract.figures import FIGURES
from edgeslm_agent.contract.status import Capability, Status
from edgeslm_agent.contract.telemetry import Sample
from edgeslm_agent.contract.topics import DeviceId
from edgeslm_agent.link.memory import MemoryBroker
from support.boards import board
from support.fake_machine import lay_out
from support.fleet import running_agent

if TYPE_CHECKING:
    from pathlib import Path

    from edgeslm.fleet.history import Address

STATUS = Status("online", "b1", 1, 1.0, "0.2.0", "ready", 10.0, bundle="id", model="home", variant="home_fp32")
FACTS = Capability("Jetson Orin Nano", "cpu", 6, 2**33, "linux", "3.11", ("ping",), {}, {"power_w": "INA3221 VDD_IN"})
NANO, PI, GONE = DeviceId("home", "nano"), DeviceId("home", "pi-1"), DeviceId("plant", "gone")


@pytest.fixture
def database(address: Address) -> Address:
    """An hour of a Jetson that warms up, a cool Pi, and a device that went away two hours ago."""
    now = time.time()
    history = History(address)
    history.commit(
        Intake(samples=[(GONE, "b1", Sample(1, now - 7300.0, {}))], statuses={GONE: _offline()}), now - 7200.0
    )
    warming = [
        (NANO, "b1", Sample(n, now - 60.0 * (60 - n), {"temperature_c": 20.0 + n, "power_w": 5.0}))
        for n in range(1, 61)
    ]
    late = (PI, "b1", Sample(1, 1000.0, {"temperature_c": 40.0, "decode_tps": 8.0}))  # its clock is wrong
    history.commit(
        Intake(samples=[*warming, late], statuses={NANO: STATUS, PI: STATUS}, capabilities={NANO: FACTS}), now
    )
    history.close()
    return address


def _offline() -> Status:
    return replace(STATUS, state="offline")


def document(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    code = main([*words, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_figure_without_a_source_is_null(database: Address, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = document(capsys, "telemetry", "home/nano", "--db", str(database))
    (device,) = found["devices"]
    assert code == 0
    assert device["figures"].keys() == FIGURES.keys()
    assert (device["figures"]["power_w"], device["figures"]["npu_percent"]) == (5.0, None)
    assert device["sensors"] == {"power_w": "INA3221 VDD_IN"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], ["home/nano", "home/pi-1", "plant/gone"]),
        (["home"], ["home/nano", "home/pi-1"]),
        (["*/pi-*", "plant"], ["home/pi-1", "plant/gone"]),
        (["--where", "temp>75"], ["home/nano"]),
        (["--where", "age>1h"], ["plant/gone"]),
        (["--where", "state=online and tps<10"], ["home/pi-1"]),
        (["--where", "temp>500"], []),
    ],
)
def test_status_shows_what_was_asked_for(
    database: Address, capsys: pytest.CaptureFixture[str], words: list[str], expected: list[str]
) -> None:
    code, found = document(capsys, "fleet", "status", *words, "--db", str(database))
    assert (code, [device["device"] for device in found["devices"]]) == (0, expected)


def test_table_says_since_when_a_device_is_silent(database: Address, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fleet", "status", "--db", str(database)]) == 0
    captured = capsys.readouterr()
    assert "2 h 00 min ago" in captured.out
    assert (
        "plant/gone: offline: it said so, or its connection broke; its last sample came 2 h 00 min ago" in captured.err
    )


def test_trend_of_an_hour(database: Address, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = document(
        capsys, "telemetry", "home/nano", "--db", str(database), "--since", "30m", "--figure", "temp"
    )
    (trend,) = found["trends"]
    assert code == 0
    assert trend["samples"] in (29, 30)
    assert (trend["high"], trend["last"]) == (80.0, 80.0)
    assert trend["low"] in (51.0, 52.0)


def test_sample_with_a_wrong_clock_counts_when_it_was_received(
    database: Address, capsys: pytest.CaptureFixture[str]
) -> None:
    _, found = document(capsys, "telemetry", "home/pi-1", "--db", str(database), "--since", "1m")
    assert [(one["figure"], one["last"]) for one in found["trends"]] == [("decode_tps", 8.0), ("temperature_c", 40.0)]


def test_trend_as_a_table_with_bars(database: Address, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["telemetry", "--db", str(database), "--since", "1h", "--where", "temp>70", "--figure", "temp"]
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert "home/nano" in shown
    assert "home/pi-1" not in shown
    assert "█" in shown


def test_alerts_decide_the_exit_code(database: Address, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fleet", "status", "home/pi-1", "--db", str(database), "--alerts"]) == 0
    assert main(["fleet", "status", "--db", str(database), "--alerts"]) == 1
    assert main(["telemetry", "home/nano", "--db", str(database), "--alerts"]) == 1
    assert "home/nano: hot: 80 C" in capsys.readouterr().err


def test_device_named_in_full_and_never_heard_of_is_an_alert(
    database: Address, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fleet", "status", "home/pi-*", "home/absent", "--db", str(database), "--alerts"]) == 1
    assert "home/absent: silent: it never published a status" in capsys.readouterr().err
    assert main(["fleet", "status", "home/absent-*", "--db", str(database), "--alerts"]) == 0


@pytest.mark.parametrize(
    "words",
    [
        ["--where", "temp>"],
        ["--since", "2h"],
        ["--follow", "--alerts", "--broker", "mqtt://x"],
        ["--webhook", "http://x", "--db", "{db}"],
        ["--since", "2h", "--figure", "warmth", "--db", "{db}"],
        ["--since", "2h", "--alerts", "--db", "{db}"],
        ["a/b/c", "--db", "{db}"],
        ["--db", "/nowhere/absent"],
    ],
)
def test_options_that_cannot_be_are_usage_errors(
    database: Address, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    words = [word.replace("{db}", str(database)) for word in words]
    code, found = document(capsys, "telemetry", *words, *([] if "--db" in words else ["--broker", "mqtt://x"]))
    assert (code, found["error"]) == (2, "UsageError")
    assert found["hint"]


@pytest.mark.parametrize(
    ("series", "bars"),
    [
        ([], ""),
        ([None, None], ""),
        ([1.0, 1.0], "▁▁"),
        ([0.0, None, 7.0], "▁ █"),
        ([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], "▁▂▃▄▅▆▇█"),
    ],
)
def test_sparkline(series: list[float | None], bars: str) -> None:
    assert sparkline(series) == bars


@pytest.mark.slow  # threads that talk over a broker
def test_follow_tells_when_an_alert_is_raised_and_cleared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A board overheats after the first look and cools down when the alert was told."""
    root = board(tmp_path, "raspberry-pi-5")
    broker = MemoryBroker()
    told: list[tuple[str, str]] = []

    def document(_schema: str, body: dict[str, str]) -> None:
        told.append((body["state"], body["name"]))
        lay_out(root, {"sys/class/thermal/thermal_zone0/temp": "50000"})

    monkeypatch.setattr("edgeslm.cli.fleet.status.transport", lambda _options: broker)
    monkeypatch.setattr("edgeslm.cli.fleet.status._GLANCE_S", 0.1)
    monkeypatch.setattr("edgeslm.cli.output.document", document)
    lay_out(root, {"sys/class/thermal/thermal_zone0/temp": "91000"})
    with running_agent(broker, "home/a", root=root, interval_s=1.0):
        words = ["fleet", "status", "--alerts", "--follow", "--where", "temp>0", "--wait", "6s", "--json"]
        assert main(words) == 1
    assert told == [("raised", "hot"), ("cleared", "hot")]
    assert capsys.readouterr().out == ""


def test_follow_without_alerts_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert document(capsys, "fleet", "status", "--follow", "--broker", "mqtt://x")[0] == 2
    assert document(capsys, "fleet", "status", "--follow", "--alerts", "--db", "x")[0] == 2


GROUPS = """\
canary: [home/nano]
pis: ["*/pi-*"]
"""


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--group", "canary"], ["home/nano"]),
        (["--group", "canary", "--group", "pis"], ["home/nano", "home/pi-1"]),
        (["home/pi-1", "--group", "canary", "--where", "tps<10"], ["home/pi-1"]),
    ],
)
@pytest.mark.parametrize("verb", [["telemetry"], ["fleet", "status"]], ids=" ".join)
def test_groups_are_the_operators_own(
    verb: list[str],
    words: list[str],
    expected: list[str],
    *,
    tmp_path: Path,
    database: Address,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "groups.yaml").write_text(GROUPS, encoding="utf-8")
    _, found = document(capsys, *verb, "--db", str(database), "--groups", str(tmp_path / "groups.yaml"), *words)
    assert [row["device"] for row in found["devices"]] == expected


def test_groups_lie_beside_the_credentials(
    tmp_path: Path, database: Address, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "groups.yaml").write_text(GROUPS, encoding="utf-8")
    monkeypatch.setenv("EDGESLM_CREDENTIALS", str(tmp_path))
    _, found = document(capsys, "telemetry", "--db", str(database), "--group", "canary")
    assert [row["device"] for row in found["devices"]] == ["home/nano"]


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (GROUPS, 2, "no group is called 'canry'"),
        ("canry: home\n", 3, "groups.yaml:1: canry: must be a list"),
        ("canry: []\nother: [a/b/c]\n", 3, "groups.yaml:2: other.0:"),
        ("canry: [\n", 3, "not YAML"),
    ],
)
def test_group_that_cannot_be_is_refused(
    text: str, code: int, said: str, *, tmp_path: Path, database: Address, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "groups.yaml"
    file.write_text(text, encoding="utf-8")
    assert main(["telemetry", "--db", str(database), "--groups", str(file), "--group", "canry"]) == code
    assert said in capsys.readouterr().err


def test_group_without_a_file_is_said(
    database: Address, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("EDGESLM_CREDENTIALS", raising=False)
    assert main(["telemetry", "--db", str(database), "--group", "canary"]) == 2
    assert "--groups FILE" in capsys.readouterr().err
