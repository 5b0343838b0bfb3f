"""`edgeslm measure --on` as a user types it, with an agent that holds a real bundle on an in-process broker."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from edgeslm.cli import measure_on
from edgeslm.cli.main import main
from edgeslm.fleet.client import Client
from edgeslm_agent.link.memory import MemoryBroker
from edgeslm_agent.serving.responder import open_responder
from support.fleet import running_agent
from support.small_bundles import write_bundle
from support.waiting import eventually

if TYPE_CHECKING:
    from argparse import Namespace
    from pathlib import Path

    from edgeslm_agent.bundle import Bundle

ON = "lab/pi"
NUMBERS = {"first_token_s", "prefill_tps", "decode_tps", "load_s", "peak_rss_bytes"}  # of run and measure, by contract
pytestmark = pytest.mark.slow  # threads that talk over a broker


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bundle, Bundle]:
    folder = tmp_path_factory.mktemp("bundles")
    return write_bundle(folder / "four", "wi4b32-afp32"), write_bundle(folder / "eight", "wi8-afp32")


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> MemoryBroker:
    found = MemoryBroker()

    def transport(_options: Namespace) -> MemoryBroker:
        return found

    monkeypatch.setattr(measure_on, "transport", transport)
    return found


def held(path: Path, broker: MemoryBroker, *arguments: str) -> int:
    """Run the command line while an agent holds the bundle at `path`."""
    with running_agent(broker, ON, load=lambda: open_responder(path), profile="raspberry-pi-5"):
        with Client(broker, ON) as client:
            eventually(lambda: client.presence().model_state == "ready")
        return main(["measure", *arguments, "--on", ON, "--gate", "none"])


def test_the_device_measures_and_the_choice_is_made_again(
    bundles: tuple[Bundle, Bundle], broker: MemoryBroker, capsys: pytest.CaptureFixture[str]
) -> None:
    four, eight = bundles
    assert held(four.path, broker, str(four.path), str(eight.path), "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "edgeslm.measure/1"
    assert (document["on"], document["bundle"], document["profile"]) == (ON, four.bundle_id, "raspberry-pi-5")
    assert all(document[name] > 0 for name in NUMBERS)
    assert [entry["bundle"] for entry in document["not_measured"]] == [str(eight.path)]
    assert {entry["bundle"] for entry in document["selection"]["candidates"]} == {str(four.path), str(eight.path)}
    assert held(four.path, broker, str(four.path), str(eight.path)) == 0
    printed = capsys.readouterr().out
    assert f"on {ON} (measured, medians)" in printed
    assert f"{eight.path} was not measured" in printed


def test_a_device_that_holds_another_bundle_is_exit_6(
    bundles: tuple[Bundle, Bundle], broker: MemoryBroker, capsys: pytest.CaptureFixture[str]
) -> None:
    four, eight = bundles
    assert held(four.path, broker, str(eight.path)) == 6
    assert four.bundle_id[:16] in capsys.readouterr().err


def test_a_profile_that_is_not_the_devices_is_exit_2(bundles: tuple[Bundle, Bundle], broker: MemoryBroker) -> None:
    assert held(bundles[0].path, broker, str(bundles[0].path), "--device", "jetson-nano") == 2


def test_a_device_nobody_knows_is_exit_7(bundles: tuple[Bundle, Bundle], broker: MemoryBroker) -> None:
    del broker
    assert main(["measure", str(bundles[0].path), "--on", "lab/nobody"]) == 7


def test_several_bundles_without_a_device_are_exit_2(
    bundles: tuple[Bundle, Bundle], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["measure", *(str(bundle.path) for bundle in bundles)]) == 2
    assert "--on FLEET/ID" in capsys.readouterr().err
