"""An agent with one runtime alone, the other blocked: it starts on a bundle of that format and answers over MQTT."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import edgeslm
from edgeslm.fleet.client import Client
from edgeslm_agent.link.address import parse_address
from edgeslm_agent.link.mqtt import MqttTransport
from support.mosquitto import mosquitto
from support.waiting import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow
PACKAGES = {"onnx": "onnxruntime", "tflite": "ai_edge_litert"}
BOARD = "raspberry-pi-5"
AGENT = """import sys
for name in {blocked!r}:
    sys.modules[name] = None  # an import fails as if it were not installed
from edgeslm_agent.cli import main
sys.exit(main())
"""


@contextlib.contextmanager
def agent(blocked: list[str], *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run `edgeslm-agent run` in a process that cannot import some packages."""
    code = AGENT.format(blocked=blocked)
    started = subprocess.Popen([sys.executable, "-c", code, "run", *arguments], stderr=subprocess.PIPE, text=True)
    try:
        yield started
    finally:
        started.kill()
        started.communicate()


@pytest.fixture(scope="module", params=sorted(PACKAGES))
def bundle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        recipes, formats = ["wi8-afp32"], [request.param]
        edgeslm.export(device=BOARD, recipes=recipes, formats=formats, measured=False, out=folder / "bundle")
    return request.param, folder / "bundle"


def test_an_agent_needs_the_runtime_of_its_bundle_alone(bundle: tuple[str, Path], tmp_path: Path) -> None:
    form, folder = bundle
    others = [package for name, package in PACKAGES.items() if name != form]
    with mosquitto(tmp_path) as broker:
        arguments = ("--broker", broker.url, "--id", "home/kitchen", "--spool", str(tmp_path / "spool"))
        with agent(others, "--bundle", str(folder), *arguments):
            transport = MqttTransport(parse_address(broker.url))
            with Client(transport, "home/kitchen", presence_s=PATIENCE_S) as client:
                result = client.ask("turn on the kitchen lights", max_tokens=40, timeout_s=PATIENCE_S)
    assert result.state == "done"
    assert json.loads(result.text or "") == {"action": "turn_on", "device": "light", "room": "kitchen"}


def test_an_agent_without_it_says_what_to_install(bundle: tuple[str, Path], tmp_path: Path) -> None:
    form, folder = bundle
    arguments = ("--broker", "mqtt://127.0.0.1:1", "--id", "home/kitchen", "--spool", str(tmp_path / "spool"))
    with agent([PACKAGES[form]], "--bundle", str(folder), *arguments) as started:
        _, said = started.communicate(timeout=PATIENCE_S)
    assert started.returncode != 0
    assert f'pip install "edgeslm[{"litert" if form == "tflite" else "ort"}]"' in said.replace("'", '"')
