"""The memory of a small board is a bound that the kernel keeps: within it the agent works, beyond it nothing lives."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING

from boards.emulator import Board, Emulated
from boards.memory_limit import memory_limit
from boards.running import PROMPT, agent, answer_here
from edgeslm.catalog.profile import MIB
from edgeslm.fleet.client import Client
from edgeslm_agent.link.address import parse_address
from edgeslm_agent.link.mqtt import MqttTransport
from support.mosquitto import mosquitto
from support.waiting import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edgeslm_agent.bundle import Bundle

ZERO_2_W = Board("raspberry-pi-zero-2-w", "cortex-a53", "Raspberry Pi Zero 2 W Rev 1.0", "raspberry-pi-4")


def test_the_agent_of_a_512_mb_board_works_within_what_its_system_leaves(
    exported: Callable[[str, str], Bundle], tmp_path: Path
) -> None:
    """The emulator's own memory counts too, so what fits here fits there."""
    profile = ZERO_2_W.facts()
    assert profile.memory_mb == 512
    bundle = exported(ZERO_2_W.profile, "onnx").path
    board = Emulated(ZERO_2_W, tmp_path / "board")
    with memory_limit(profile.budget_bytes, "zero") as limit, mosquitto(tmp_path) as broker:
        with agent(board, bundle, broker.url, tmp_path / "spool", limit) as name:
            transport = MqttTransport(parse_address(broker.url))
            with Client(transport, name, presence_s=PATIENCE_S) as client:
                result = client.ask(PROMPT, timeout_s=PATIENCE_S)
                told = client.capability
            assert (result.state, result.text) == ("done", answer_here(bundle))
            assert told is not None
            assert told.memory_bytes == profile.budget_bytes
        assert limit.kills() == 0
        assert 64 * MIB < limit.peak_bytes() <= profile.budget_bytes


def test_what_takes_more_than_the_bound_is_killed(tmp_path: Path) -> None:
    board = Emulated(ZERO_2_W, tmp_path / "board")
    with memory_limit(128 * MIB, "over") as limit:
        command = limit.within([board.python, "-c", f"held = bytearray(b'x') * {256 * MIB}"])
        ended = subprocess.run(command, capture_output=True, check=False)
        assert ended.returncode in {-signal.SIGKILL, 128 + signal.SIGKILL}
        assert limit.kills() == 1
