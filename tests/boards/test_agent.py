"""An emulated board runs the agent against a real Mosquitto: it says what it is, answers, and reports its sensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from boards.emulator import BOARDS, Emulated
from boards.running import PROMPT, agent, answer_here
from edgeslm.fleet.client import Client
from edgeslm.fleet.fleet import Fleet
from edgeslm_agent.link.address import parse_address
from edgeslm_agent.link.mqtt import MqttTransport
from support.mosquitto import mosquitto
from support.waiting import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edgeslm_agent.bundle import Bundle

TEMPERATURES = {"jetson-nano": 61.5, "raspberry-pi-5": 52.9}  # as their trees in tests/support/boards say
TRIED = [board for board in BOARDS if board.profile in TEMPERATURES]


@pytest.mark.parametrize(
    "emulated", [b for b in BOARDS if b.profile in TEMPERATURES], indirect=True, ids=lambda b: b.profile
)
def test_an_emulated_agent_answers_over_mosquitto_and_reports_the_boards_sensors(
    emulated: Emulated, exported: Callable[[str, str], Bundle], tmp_path: Path
) -> None:
    bundle = exported(emulated.board.profile, "onnx").path
    with mosquitto(tmp_path) as broker, agent(emulated, bundle, broker.url, tmp_path / "spool") as name:
        transport = MqttTransport(parse_address(broker.url))
        with Client(transport, name, presence_s=PATIENCE_S) as client:
            result = client.ask(PROMPT, timeout_s=PATIENCE_S)
        assert (result.state, result.text) == ("done", answer_here(bundle))
        reading = next(iter(Fleet(broker.url).telemetry(name, for_s=PATIENCE_S)))
        assert reading.sample.figures["temperature_c"] == TEMPERATURES[emulated.board.profile]
        assert reading.capability is not None
        assert reading.capability.board == emulated.board.model
        assert reading.capability.cpu.lower() == emulated.board.cpu
