"""Other people's tools look at a fleet: Prometheus over HTTP, Home Assistant over a real Mosquitto."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from http.client import HTTPConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from edgeslm.cli.fleet import home_assistant
from edgeslm.cli.main import main
from edgeslm.fleet.history import History, Intake
from edgeslm_agent.contract.telemetry import Sample
from edgeslm_agent.contract.topics import DeviceId
from edgeslm_agent.link.address import parse_address
from edgeslm_agent.link.endpoint import Endpoint
from edgeslm_agent.link.mqtt import MqttTransport
from edgeslm_agent.link.transport import Received, SessionOptions
from support.fleet import running_agent
from support.mosquitto import mosquitto
from support.sightings import FACTS, STATUS
from support.waiting import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow  # a broker, a process


def test_devices_of_a_broker_appear_in_home_assistant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(home_assistant, "_EVERY_S", 0.5)
    with mosquitto(tmp_path) as broker:
        transport = MqttTransport(parse_address(broker.url, None))
        with running_agent(transport, "home/kitchen"):
            assert main(["fleet", "home-assistant", "--broker", broker.url, "--wait", "3s", "--json"]) == 0
        heard = retained(transport, "homeassistant/#", "edgeslm-home-assistant/#")
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["schema"] for line in said} == {"edgeslm.fleet-home-assistant/1"}
    assert sum(line["published"] for line in said) >= len(heard) > 3
    state = json.loads(heard.pop("edgeslm-home-assistant/home/kitchen"))
    configs = [json.loads(payload) for payload in heard.values()]
    assert all(config["state_topic"] == "edgeslm-home-assistant/home/kitchen" for config in configs)
    assert {config["unique_id"].removeprefix("edgeslm-home-_-kitchen_") for config in configs} == state.keys()


def retained(transport: MqttTransport, *filters: str) -> dict[str, bytes]:
    """Return what a newcomer is given, as Home Assistant is when it starts."""
    endpoint = Endpoint(transport, SessionOptions("newcomer"), filters)
    found, quiet_at = {}, time.monotonic() + 2.0
    while time.monotonic() < quiet_at:
        happening = endpoint.poll(0.1)
        if isinstance(happening, Received):
            assert happening.retained
            found[happening.topic] = happening.payload
    endpoint.close()
    return found


def test_metrics_of_a_history_are_served_until_stopped(tmp_path: Path) -> None:
    database, who = tmp_path / "fleet.sqlite", DeviceId("home", "kitchen")
    history = History(database)
    intake = Intake()
    intake.statuses[who], intake.capabilities[who] = STATUS, FACTS
    intake.samples.append((who, "b1", Sample(1, time.time(), {"decode_tps": 12.5})))
    history.commit(intake, time.time())
    history.close()
    verb = ["fleet", "metrics", "--db", str(database), "--listen", "127.0.0.1:0", "--json"]
    with subprocess.Popen([sys.executable, "-m", "edgeslm", *verb], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        place = urlsplit(ready["url"])
        connection = HTTPConnection("127.0.0.1", place.port or 0, timeout=PATIENCE_S)
        connection.request("GET", place.path)
        text = connection.getresponse().read().decode()
        assert 'edgeslm_device_decode_tps{device="kitchen",fleet="home"} 12.5' in text
        assert "edgeslm_history_samples_total 1.0" in text
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0


@pytest.mark.parametrize("listen", ["9464", "host:", "host:99999", ":9464", "host:x"])
def test_wrong_address_to_listen_on_is_exit_2(listen: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fleet", "metrics", "--db", "x.sqlite", "--listen", listen]) == 2
    assert "HOST:PORT" in capsys.readouterr().err


def test_dashboard_is_printed_for_grafana(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fleet", "metrics", "--dashboard"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "edgeslm fleet"
