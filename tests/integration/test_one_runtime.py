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

    from edgeslm_agent.contract.command import Result

pytestmark = pytest.mark.slow
PACKAGES = {"onnx": "onnxruntime", "tflite": "ai_edge_litert"}
EXTRAS = {"onnx": "edgeslm[ort]", "tflite": "edgeslm[litert]"}
BOARD = "raspberry-pi-5"
AGENT = """import sys
sys.modules[{without!r}] = None  # an import fails as if it were not installed
from edgeslm_agent.cli import main
sys.exit(main())
"""


@contextlib.contextmanager
def agent(without: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run `edgeslm-agent run` in a process that cannot import a package."""
    code = AGENT.format(without=without)
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
        out, formats = folder / "bundle", [request.param]
        edgeslm.export(device=BOARD, recipes=["wi8-afp32"], formats=formats, gate="none", measured=False, out=out)
    return request.param, folder / "bundle"


def asked(bundle: Path, without: str, folder: Path) -> Result:
    """Start an agent on a bundle, without one of the packages, and ask it something."""
    with mosquitto(folder) as broker:
        arguments = ("--bundle", str(bundle), "--broker", broker.url, "--id", "home/kitchen")
        with agent(without, *arguments, "--spool", str(folder / "spool")):
            transport = MqttTransport(parse_address(broker.url))
            with Client(transport, "home/kitchen", presence_s=PATIENCE_S) as client:
                return client.ask("turn on the kitchen lights", max_tokens=40, timeout_s=PATIENCE_S)


def test_an_agent_needs_the_runtime_of_its_bundle_alone(bundle: tuple[str, Path], tmp_path: Path) -> None:
    form, folder = bundle
    (other,) = (package for name, package in PACKAGES.items() if name != form)
    result = asked(folder, other, tmp_path)
    assert result.state == "done"
    assert json.loads(result.text or "") == {"action": "turn_on", "device": "light", "room": "kitchen"}


def test_an_agent_without_it_says_what_to_install(bundle: tuple[str, Path], tmp_path: Path) -> None:
    form, folder = bundle
    result = asked(folder, PACKAGES[form], tmp_path)
    assert result.state == "failed"
    assert EXTRAS[form] in (result.error or "")
