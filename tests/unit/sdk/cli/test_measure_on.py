"""`edgeslm measure --on` as a user types it, with an agent that holds a real bundle on an in-process broker."""

from __future__ import annotations

import contextlib
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from edgeslm.cli import measure_on
from edgeslm.cli.main import main
from edgeslm.fleet.client import Client
from edgeslm_agent.bundle import read_evidence, write_evidence
from edgeslm_agent.link.memory import MemoryBroker
from edgeslm_agent.serving.responder import Echo, facts_of, open_responder
from support.fleet import running_agent
from support.small_bundles import write_bundle
from support.waiting import PATIENCE_S, eventually

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator
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


class Telling(Echo):
    """Holds a bundle and tells figures of its own, the first of them only when it is let go."""

    def __init__(self, bundle: Bundle, *figures: dict[str, float]) -> None:
        self.facts = facts_of(bundle)
        self.go = threading.Event()
        self._figures = list(figures)

    def measure(self) -> dict[str, float]:
        assert self.go.wait(PATIENCE_S)
        return self._figures.pop(0)


@contextlib.contextmanager
def telling(responder: Telling, broker: MemoryBroker) -> Iterator[None]:
    with running_agent(broker, ON, load=lambda: responder, profile="raspberry-pi-5"):
        with Client(broker, ON) as client:
            eventually(lambda: client.presence().model_state == "ready")
        yield


def figures(bundle: Bundle, decode_tps: float) -> dict[str, float]:
    prompt = bundle.manifest.context // 2
    rates = {"prefill_tps": 4000.0, "first_token_s": prompt / 4000, "decode_tps": decode_tps}
    return {"prompt_tokens": prompt, "load_s": 0.1, "peak_rss_bytes": 6e7, **rates}


def remembered(bundle: Bundle) -> dict[str, Any]:
    found: dict[str, Any] = (read_evidence(bundle, "devices") or {"devices": {}})["devices"]
    return found


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


def test_a_device_that_lies_is_said_and_what_was_known_stays(
    bundles: tuple[Bundle, Bundle], broker: MemoryBroker, capsys: pytest.CaptureFixture[str]
) -> None:
    four, _ = bundles
    write_evidence(four, "devices", {"devices": {"lab/other": {"bundle": four.bundle_id, "decode_tps": 50.0}}})
    liar = Telling(four, figures(four, decode_tps=1e12))
    liar.go.set()
    with telling(liar, broker):
        assert main(["measure", str(four.path), "--on", ON, "--gate", "none"]) == 0
    printed = capsys.readouterr().out
    assert "does not count, and is kept as evidence: decode_tps of 1e+12 is far from anything expected" in printed
    assert "chosen on estimates" in printed
    assert set(remembered(four)) == {"lab/other", ON}
    assert remembered(four)["lab/other"]["decode_tps"] == 50.0


def test_a_device_that_answers_late_is_exit_7_and_its_answer_is_not_the_next_ones(
    bundles: tuple[Bundle, Bundle], broker: MemoryBroker, capsys: pytest.CaptureFixture[str]
) -> None:
    four, _ = bundles
    write_evidence(four, "devices", {"devices": {}})
    late = Telling(four, figures(four, decode_tps=1111.0), figures(four, decode_tps=2222.0))
    asked = ["measure", str(four.path), "--on", ON, "--gate", "none"]
    with telling(late, broker):
        assert main([*asked, "--timeout", "0.2s"]) == 7
        told = capsys.readouterr()
        assert (told.out, "still at it after 0.2 s" in told.err, "--timeout" in told.err) == ("", True, True)
        assert remembered(four) == {}
        late.go.set()
        assert main(asked) == 0
    assert remembered(four)[ON]["decode_tps"] == 2222.0


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
