"""A choice confirmed by a device: agents that hold a bundle, lie, restart, answer late or run something else."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from edgeslm.catalog import device
from edgeslm.confirming import confirm, held_by, profile_named
from edgeslm.fleet.client import Client
from edgeslm.fleet.remote import Reported, measured_by
from edgeslm.profiler.aim import Aim
from edgeslm.profiler.evidence import candidate_of, contender, devices_of
from edgeslm.profiler.select import select
from edgeslm_agent.bundle import read_evidence
from edgeslm_agent.contract.status import Status
from edgeslm_agent.errors import Incompatible, TimedOut, UsageError
from edgeslm_agent.link.memory import MemoryBroker
from edgeslm_agent.serving.responder import Echo, ModelFacts, open_responder
from support.fleet import running_agent
from support.small_bundles import write_bundle
from support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgeslm.confirming import Confirmation
    from edgeslm_agent.bundle import Bundle

PI = device("raspberry-pi-5")
ON = "lab/pi"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bundle, Bundle]:
    folder = tmp_path_factory.mktemp("bundles")
    return write_bundle(folder / "four", "wi4b32-afp32"), write_bundle(folder / "eight", "wi8-afp32")


@pytest.fixture
def bundles(made: tuple[Bundle, Bundle]) -> tuple[Bundle, Bundle]:
    """Return both bundles without evidence."""
    for bundle in made:
        for file in (bundle.path / "evidence").glob("*.json"):
            file.unlink()
    return made


def sound(bundle: Bundle) -> dict[str, float]:
    """Return figures in the middle of what is expected of a bundle on the board."""
    expected = candidate_of(bundle, PI).estimate
    rate = expected.prefill_tps.value
    prompt = bundle.manifest.context // 2
    return {
        "prompt_tokens": prompt,
        "prefill_tps": rate,
        "first_token_s": prompt / rate,
        "decode_tps": expected.decode_tps.value,
        "peak_rss_bytes": 6e7,
    }


def reported(bundle: Bundle, figures: Mapping[str, float], *, runtime: str = "1.31.1", on: str = ON) -> Reported:
    return Reported(
        device=on,
        bundle=bundle.bundle_id,
        bundle_after=bundle.bundle_id,
        boot="b1",
        boot_after="b1",
        profile=PI.name,
        runtimes={"onnxruntime": runtime},
        figures=figures,
    )


def confirmed(told: Reported, bundles: tuple[Bundle, Bundle]) -> Confirmation:
    return confirm(told, bundles, PI, Aim(), None, gated=False)


def chosen(done: Confirmation) -> str:
    assert done.selection is not None
    assert done.selection.winner is not None
    return done.selection.winner.label


def test_what_was_measured_there_wins_over_estimates_and_is_remembered(bundles: tuple[Bundle, Bundle]) -> None:
    four, eight = bundles
    assert chosen(confirmed(reported(eight, sound(eight)), bundles)) == str(eight.path)
    entries = [contender(bundle, PI) for bundle in bundles]
    later = select(entries, PI, gated=False, devices=devices_of(bundles, PI))  # as `edgeslm select` does
    assert later.basis_line == f"chosen on measurements taken on {ON}; that it fits rests on measurements"
    elsewhere = replace(PI, name="raspberry-pi-4")
    assert devices_of(bundles, elsewhere) == frozenset()
    assert contender(four, PI).observed.decode_tps is None


def test_bundles_that_the_device_does_not_hold_are_named_with_the_reason(bundles: tuple[Bundle, Bundle]) -> None:
    four, eight = bundles
    done = confirmed(reported(four, sound(four)), bundles)
    assert [name for name, _ in done.not_measured] == [str(eight.path)]
    document = done.document()
    assert document["on"] == ON
    assert document["decode_tps"] > 0
    assert "does not hold it" in document["not_measured"][0]["reason"]
    json.dumps(document, allow_nan=False)


@pytest.mark.parametrize(
    ("change", "doubt"),
    [
        ({"decode_tps": 1e9}, "far from anything expected"),
        ({"decode_tps": 0.0}, "cannot be"),
        ({"first_token_s": 1e-9}, "does not go with"),
    ],
)
def test_figures_that_lie_are_kept_with_a_doubt_and_decide_nothing(
    change: dict[str, float], doubt: str, bundles: tuple[Bundle, Bundle]
) -> None:
    expected = select([contender(bundle, PI) for bundle in bundles], PI, gated=False).winner
    assert expected is not None
    liar = next(bundle for bundle in bundles if str(bundle.path) != expected.label)
    done = confirmed(reported(liar, {**sound(liar), **change}), bundles)
    assert doubt in done.there.doubts[0]
    assert chosen(done) == expected.label  # as the estimates say
    kept = (read_evidence(liar, "devices") or {})["devices"][ON]
    assert kept.items() >= change.items()


@pytest.mark.parametrize("change", [{"boot_after": "b2"}, {"bundle_after": "f" * 64}])
def test_a_device_that_changed_while_it_measured_is_doubted(
    change: dict[str, str], bundles: tuple[Bundle, Bundle]
) -> None:
    told = replace(reported(bundles[1], sound(bundles[1])), **change)  # type: ignore[arg-type]  # texts both
    assert "while it measured" in confirmed(told, bundles).there.doubts[0]


def test_a_measurement_of_an_older_runtime_is_stated_and_kept(bundles: tuple[Bundle, Bundle]) -> None:
    four, eight = bundles
    confirmed(reported(eight, sound(eight), runtime="1.20.1"), bundles)
    done = confirmed(reported(four, sound(four), runtime="1.31.1"), bundles)
    assert chosen(done) == str(four.path)
    assert done.selection is not None
    assert done.selection.notes == (
        f"{eight.path} was measured with onnxruntime 1.20.1, others with 1.31.1: its estimate counts",
    )
    assert read_evidence(eight, "devices") is not None


def test_several_devices_are_remembered_and_the_slowest_counts(bundles: tuple[Bundle, Bundle]) -> None:
    four, _ = bundles
    figures = sound(four)
    confirmed(reported(four, figures), bundles)
    confirmed(reported(four, {**figures, "decode_tps": figures["decode_tps"] / 2}, on="lab/slow"), bundles)
    seen = contender(four, PI).observed.decode_tps
    assert seen is not None
    assert seen.on == "lab/slow"
    assert devices_of(bundles, PI) == {ON, "lab/slow"}


def test_without_a_profile_the_figures_are_kept_and_nothing_is_chosen(bundles: tuple[Bundle, Bundle]) -> None:
    done = confirm(reported(bundles[0], sound(bundles[0])), bundles, None, Aim(), None, gated=False)
    assert done.selection is None
    assert read_evidence(bundles[0], "devices") is not None


def test_a_profile_at_odds_with_the_devices_own_is_refused() -> None:
    assert profile_named(None, "rk3588", ON) == profile_named("rk3588", None, ON) == "rk3588"
    assert profile_named(None, None, ON) is None
    with pytest.raises(UsageError, match="says it is a rk3588"):
        profile_named("rk3566", "rk3588", ON)


def test_a_device_that_runs_another_bundle_is_told_so(bundles: tuple[Bundle, Bundle]) -> None:
    status = Status("online", "b1", 1, 0.0, "1", "ready", 10.0, bundle="c" * 64, variant="other_onnx")
    with pytest.raises(Incompatible, match=r"runs other_onnx .*none of those named"):
        held_by(status, ON, bundles)
    with pytest.raises(Incompatible, match="runs no bundle"):
        held_by(replace(status, bundle=None), ON, bundles)
    mine = replace(status, bundle=bundles[1].bundle_id)
    assert held_by(mine, ON, bundles) is bundles[1]
    with pytest.raises(Incompatible, match="is failed"):
        held_by(replace(mine, model_state="failed"), ON, bundles)


class Slow(Echo):
    """Holds a bundle and takes its time."""

    def __init__(self, facts: ModelFacts) -> None:
        self.facts = facts

    def measure(self) -> Mapping[str, float]:
        import time

        time.sleep(1.0)
        return super().measure()


@pytest.mark.slow
def test_an_agent_measures_what_it_holds_and_says_with_what(made: tuple[Bundle, Bundle]) -> None:
    broker, (four, eight) = MemoryBroker(), made
    with (
        running_agent(broker, ON, load=lambda: open_responder(four.path), profile=PI.name),
        Client(broker, ON) as client,
    ):
        eventually(lambda: client.presence().model_state == "ready")
        told = measured_by(client, 60.0)
    assert told.bundle == told.bundle_after == four.bundle_id
    assert (told.profile, told.figures["prompt_tokens"]) == (PI.name, four.manifest.context // 2)
    assert told.runtimes["onnxruntime"][:1].isdigit()
    assert told.figures["peak_rss_bytes"] > 1e6
    done = confirmed(told, (four, eight))
    assert done.there.bundle == four.bundle_id


@pytest.mark.slow
def test_a_device_that_answers_late_is_an_error_and_leaves_the_evidence_alone(bundles: tuple[Bundle, Bundle]) -> None:
    broker, (four, _) = MemoryBroker(), bundles
    facts = ModelFacts(four.bundle_id, "m", "v")
    with running_agent(broker, ON, load=lambda: Slow(facts)), Client(broker, ON) as client, pytest.raises(TimedOut):
        measured_by(client, 0.2)
    assert read_evidence(four, "devices") is None
