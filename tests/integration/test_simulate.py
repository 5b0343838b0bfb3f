"""`edgeslm fleet simulate`, small: fifty devices, every kind of fault, one certificate."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from edgeslm.cli.main import main
from support.mosquitto import mosquitto

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow
EVERY_KIND = "broker-kill=6s,partition=5s/2s,slow-link=5s/3s,clock-jump=2s,reboot=2s"


def test_fifty_devices_lose_nothing_whatever_breaks(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["-n", "50", "--duration", "20s", "--sample-every", "1s", "--ask-every", "10s", "--faults", EVERY_KIND]
    code = main(["fleet", "simulate", *words, "--seed", "7", "--json"])
    report = json.loads(capsys.readouterr().out)
    certificate = report["certificate"]
    assert code == 0
    assert report["schema"] == "edgeslm.simulation/1"
    assert report["settled_s"] is not None
    assert report["faults"]["broker-kill"] == 3
    assert set(report["faults"]) == {"broker-kill", "partition", "slow-link", "clock-jump", "reboot"}
    assert report["boots"] > 50
    assert (certificate["lost"], certificate["duplicates"], certificate["examples"]) == (0, 0, [])
    assert certificate["made"] == certificate["stored"] + certificate["dropped"]
    assert certificate["stored"] > 500
    assert report["commands"]["done"] > 0


def test_a_broker_that_is_not_ours_is_used_and_not_killed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with mosquitto(tmp_path) as broker:
        words = ["-n", "3", "--duration", "2s", "--sample-every", "500ms", "--broker", broker.url, "--processes", "1"]
        assert main(["fleet", "simulate", *words]) == 0
        assert "lost 0, duplicates 0" in capsys.readouterr().out
        assert main(["fleet", "simulate", *words, "--faults", "broker-kill=1s"]) == 2
