from __future__ import annotations

from dataclasses import replace
from random import Random  # noqa: TC003 - hypothesis reads the annotation
from typing import get_args
from unittest.mock import Mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeslm.catalog import device
from edgeslm.profiler import select as select_module
from edgeslm.profiler.aim import OBJECTIVES, Aim, Limits, Objective
from edgeslm.profiler.contender import Contender, Observed, QualityEvidence, QualityStatus
from edgeslm.profiler.figure import Figure, exact
from edgeslm.profiler.select import Selection, select
from edgeslm.profiler.task import Task
from edgeslm_agent.errors import NothingFits
from support.plans import candidate

NANO = device("jetson-nano")
PASSED = QualityEvidence("passed", "balanced", (), 0.02)


def measured(value: float, unit: str, on: str) -> Figure:
    return exact(value, unit, "measured", on)


def contender(
    name: str,
    *,
    peak_mb: float = 500,
    decode_tps: float = 10,
    error: float = 0.08,
    quality: QualityEvidence = PASSED,
    observed: Observed | None = None,
    reasons: tuple[str, ...] = (),
) -> Contender:
    made = candidate(name, peak_mb=peak_mb, decode_tps=decode_tps, error=error, reasons=reasons)
    return Contender(made, observed or Observed(), quality)


def winner(selection: Selection) -> str:
    assert selection.winner is not None
    return selection.winner.candidate.variant


def test_fastest_that_fits_wins_and_the_first_line_says_estimates() -> None:
    chosen = select([contender("a", decode_tps=5), contender("b", decode_tps=9)], NANO)
    assert winner(chosen) == "b"
    assert [entry.candidate.variant for entry in chosen.runners_up] == ["a"]
    assert "estimates" in chosen.basis_line
    assert "nothing was measured" in chosen.basis_line


def test_too_much_memory_is_rejected_with_the_figures() -> None:
    chosen = select([contender("big", peak_mb=2600, decode_tps=99), contender("small")], NANO)
    assert winner(chosen) == "small"
    assert chosen.rejected[0].reasons == ("needs up to 3.05 GB at its peak, jetson-nano leaves 2.73 GB",)


def test_failed_gate_is_rejected_with_its_reasons() -> None:
    failed = QualityEvidence("failed", "balanced", ("mean KL divergence 0.2 nats is above the balanced gate's 0.05",))
    chosen = select([contender("a", quality=failed, decode_tps=99), contender("b")], NANO)
    assert winner(chosen) == "b"
    assert "0.2 nats" in chosen.rejected[0].reasons[0]


@pytest.mark.parametrize("status", ["measured", "not measured"])
def test_quality_no_gate_passed_is_rejected_unless_no_gate_is_asked_for(status: str) -> None:
    quality = QualityEvidence("measured") if status == "measured" else QualityEvidence("not measured")
    unknown = contender("a", quality=quality)
    assert select([unknown], NANO).winner is None
    assert winner(select([unknown], NANO, gated=False)) == "a"


def test_host_measurement_never_satisfies_a_boards_constraint() -> None:
    tiny_on_host = Observed(peak_bytes=measured(1e6, "bytes", "host"), decode_tps=measured(900, "tokens/s", "host"))
    big = contender("big", peak_mb=2600, observed=tiny_on_host)
    chosen = select([big, contender("small")], NANO)
    assert winner(chosen) == "small"
    assert "at its peak" in chosen.rejected[0].reasons[0]


def test_host_measurement_counts_for_this_machine() -> None:
    here = replace(NANO, name="here")
    fast = Observed(decode_tps=measured(50, "tokens/s", "host"))
    slow = Observed(decode_tps=measured(40, "tokens/s", "host"))
    chosen = select([contender("a", observed=slow, decode_tps=99), contender("b", observed=fast)], here)
    assert winner(chosen) == "b"
    assert chosen.basis_line.startswith("chosen on measurements taken on host")


def test_measurement_on_a_device_of_the_board_overrules_the_feared_memory() -> None:
    seen = Observed(
        peak_bytes=measured(2000e6, "bytes", "lab/nano-1"), decode_tps=measured(4, "tokens/s", "lab/nano-1")
    )
    feared = ("needs up to 3.05 GB at its peak, jetson-nano leaves 2.73 GB",)
    big = contender("big", peak_mb=2600, observed=seen, reasons=feared)
    assert select([big], NANO).winner is None
    assert winner(select([big], NANO, devices=["lab/nano-1"])) == "big"


def test_measurement_above_the_budget_is_rejected() -> None:
    seen = Observed(peak_bytes=measured(4e9, "bytes", "jetson-nano"))
    chosen = select([contender("a", observed=seen)], NANO)
    assert chosen.winner is None
    assert "took 3.73 GB on jetson-nano" in chosen.rejected[0].reasons[0]


def test_what_was_measured_on_the_board_goes_before_what_is_estimated() -> None:
    seen = Observed(decode_tps=measured(3, "tokens/s", "jetson-nano"))
    chosen = select([contender("promised", decode_tps=50), contender("seen", observed=seen)], NANO)
    assert winner(chosen) == "seen"


def test_quality_objective_goes_by_measured_divergence() -> None:
    good = contender("good", quality=QualityEvidence("passed", "balanced", (), 0.001), error=0.1, decode_tps=1)
    chosen = select([contender("fast", decode_tps=99, error=0.01), good], NANO, Aim("quality"))
    assert winner(chosen) == "good"
    assert "measured quality" in chosen.basis_line


def test_memory_objective_goes_by_the_peak() -> None:
    chosen = select([contender("a", peak_mb=700, decode_tps=99), contender("b", peak_mb=300)], NANO, Aim("memory"))
    assert winner(chosen) == "b"


def test_no_winner_raises_nothing_fits_with_every_reason() -> None:
    chosen = select([contender("a", peak_mb=9000), contender("b", quality=QualityEvidence("not measured"))], NANO)
    with pytest.raises(NothingFits) as caught:
        chosen.require_winner()
    assert len(caught.value.reasons) == 2
    assert chosen.basis_line == "no choice for jetson-nano: every candidate was rejected"


def test_document_has_winner_runners_up_and_rejected() -> None:
    seen = Observed(peak_bytes=measured(1e6, "bytes", "host"))
    document = select([contender("a", observed=seen), contender("b"), contender("c", peak_mb=9000)], NANO).document()
    assert document["winner"]["variant"] == "a"
    assert document["winner"]["measured"]["peak_bytes"]["on"] == "host"
    assert [entry["variant"] for entry in document["runners_up"]] == ["b"]
    assert [(entry["variant"], entry["kept"]) for entry in document["rejected"]] == [("c", False)]
    assert [entry["variant"] for entry in document["candidates"]] == ["a", "b", "c"]


PLACES = st.sampled_from(["host", "jetson-nano", "lab/nano-1", "raspberry-pi-4"])


@st.composite
def contenders(draw: st.DrawFn) -> tuple[Contender, ...]:
    count = draw(st.integers(1, 6))
    return tuple(draw(one_contender(f"v{index}")) for index in range(count))


@st.composite
def one_contender(draw: st.DrawFn, name: str) -> Contender:
    sizes, speeds = st.floats(10, 6000), st.floats(0.1, 500)
    place = draw(PLACES)
    peak, decode = draw(st.none() | sizes), draw(st.none() | speeds)
    observed = Observed(
        peak_bytes=None if peak is None else measured(peak * 2**20, "bytes", place),
        decode_tps=None if decode is None else measured(decode, "tokens/s", place),
    )
    status: QualityStatus = draw(st.sampled_from(get_args(QualityStatus)))
    kld = draw(st.none() | st.floats(0, 1))
    quality = QualityEvidence(status, "balanced", ("too far",) if status == "failed" else (), kld)
    dropped = draw(st.sampled_from([(), ("no onnxruntime to install",)]))
    return contender(
        name,
        peak_mb=draw(sizes),
        decode_tps=draw(speeds),
        error=draw(st.floats(0, 0.2)),
        quality=quality,
        observed=observed,
        reasons=dropped,
    )


@settings(max_examples=60)
@given(contenders(), st.sampled_from(OBJECTIVES), st.booleans())
def test_winner_satisfies_every_constraint(entries: tuple[Contender, ...], objective: Objective, gated: bool) -> None:
    chosen = select(entries, NANO, Aim(objective), gated=gated, devices=["lab/nano-1"])
    for standing in filter(None, (chosen.winner, *chosen.runners_up)):
        seen = standing.observed.peak_bytes
        counts = seen is not None and seen.on in {"jetson-nano", "lab/nano-1"}
        peak = seen if seen is not None and counts else standing.candidate.estimate.peak_bytes
        assert peak.high <= NANO.budget_bytes
        assert standing.candidate.reasons == ()
        assert not gated or standing.quality.status == "passed"


@settings(max_examples=60)
@given(contenders(), st.sampled_from(OBJECTIVES))
def test_every_contender_appears_exactly_once(entries: tuple[Contender, ...], objective: Objective) -> None:
    chosen = select(entries, NANO, Aim(objective))
    standing = [] if chosen.winner is None else [chosen.winner, *chosen.runners_up]
    named = [*standing, *(entry.contender for entry in chosen.rejected)]
    assert sorted(entry.candidate.variant for entry in named) == [entry.candidate.variant for entry in entries]
    assert all(entry.reasons for entry in chosen.rejected)


@settings(max_examples=60)
@given(contenders(), st.sampled_from(OBJECTIVES), st.randoms(use_true_random=False))
def test_order_of_the_input_does_not_matter(
    entries: tuple[Contender, ...], objective: Objective, random: Random
) -> None:
    shuffled = sorted(entries, key=lambda _entry: random.random())
    assert select(entries, NANO, Aim(objective)) == select(shuffled, NANO, Aim(objective))


@settings(max_examples=60)
@given(contenders(), st.sampled_from(OBJECTIVES))
def test_worse_rival_never_changes_the_winner(entries: tuple[Contender, ...], objective: Objective) -> None:
    before = select(entries, NANO, Aim(objective), gated=False)
    if before.winner is None:
        return
    best, kld = before.winner.candidate, before.winner.quality.kld_mean
    worse = replace(
        before.winner,
        quality=replace(before.winner.quality, kld_mean=None if kld is None else kld + 1),
        observed=Observed(),
        candidate=replace(
            best,
            variant="worse",
            weight_error=best.weight_error + 0.1,
            read_bytes=2 * best.read_bytes,
            estimate=replace(
                best.estimate,
                peak_bytes=_scaled(best.estimate.peak_bytes, 1.2),
                decode_tps=_scaled(best.estimate.decode_tps, 0.8),
            ),
        ),
    )
    after = select([*entries, worse], NANO, Aim(objective), gated=False)
    assert after.winner == before.winner


def _scaled(figure: Figure, by: float) -> Figure:
    return replace(figure, value=figure.value * by, low=figure.low * by, high=figure.high * by)


def test_a_limit_rejects_on_estimates_until_something_was_measured() -> None:
    aim = Aim(limits=Limits(decode_tps=8))
    chosen = select([contender("a", decode_tps=12)], NANO, aim)  # 6 at the low end of its range
    assert chosen.winner is None
    assert chosen.rejected[0].reasons == ("may write only 6.00 tok/s, 8.00 tok/s at least is asked",)
    seen = Observed(decode_tps=measured(9, "tokens/s", "jetson-nano"))
    assert winner(select([contender("a", decode_tps=12, observed=seen)], NANO, aim)) == "a"


def test_the_binding_bound_and_its_price_are_named() -> None:
    small, large = contender("small", peak_mb=100, decode_tps=10), contender("large", peak_mb=110, decode_tps=20)
    chosen = select([small, large], NANO, Aim(limits=Limits(memory_bytes=125 * 2**20)))
    assert winner(chosen) == "small"
    binding = chosen.document()["binding"]
    assert (binding["bound"], binding["wins"], binding["gain"]) == ("memory", "large", 0.5)
    assert "132 MB instead of 125 MB" in binding["sentence"]


def test_with_a_task_speed_is_the_time_of_the_whole_answer() -> None:
    """One reads fast and writes slowly, the other the other way round: which is better is up to the task."""
    reader, writer = contender("reader", decode_tps=10), contender("writer", decode_tps=20)
    slow = replace(writer.candidate.estimate, first_token_s=exact(10, "s", "estimated", "jetson-nano"))
    writer = replace(writer, candidate=replace(writer.candidate, estimate=slow))
    assert winner(select([reader, writer], NANO)) == "writer"
    assert winner(select([reader, writer], NANO, Aim(task=Task(100, 20)))) == "reader"
    assert winner(select([reader, writer], NANO, Aim(task=Task(100, 400)))) == "writer"
    assert winner(select([reader, writer], NANO, Aim("first-token"))) == "reader"


def test_measured_rates_are_turned_into_the_time_of_a_task() -> None:
    figures = Observed(
        prefill_tps=measured(50, "tokens/s", "jetson-nano"), decode_tps=measured(10, "tokens/s", "jetson-nano")
    )
    aim = Aim(task=Task(500, 61), limits=Limits(answer_s=16.1, first_token_s=10.1))
    assert winner(select([contender("a", observed=figures)], NANO, aim)) == "a"  # 10 s to read, 6 s to write
    assert select([contender("a", observed=figures)], NANO, replace(aim, limits=Limits(answer_s=15.9))).winner is None


def test_energy_that_nobody_knows_is_said_and_measured_energy_decides() -> None:
    unknown = select([contender("a"), contender("b")], NANO, Aim("energy"))
    assert "energy of an answer on jetson-nano is unknown" in unknown.basis_line
    frugal = Observed(energy_per_token_j=measured(0.1, "J", "jetson-nano"))
    greedy = Observed(energy_per_token_j=measured(0.5, "J", "jetson-nano"))
    known = select([contender("a", observed=greedy), contender("b", observed=frugal)], NANO, Aim("energy"))
    assert winner(known) == "b"
    assert "measurements" in known.basis_line


def test_divergence_has_a_limit_of_its_own_beside_the_gate() -> None:
    rough, fine = (QualityEvidence("passed", "balanced", (), kld) for kld in (0.03, 0.01))
    entries = [contender("rough", decode_tps=20, quality=rough), contender("fine", quality=fine)]
    chosen = select(entries, NANO, Aim(limits=Limits(kld_mean=0.02)))
    assert winner(chosen) == "fine"
    assert chosen.prices[0].bound == "divergence"


def test_measurements_of_an_older_runtime_are_stated_and_do_not_count() -> None:
    def seen(speed: float, runtime: str) -> Observed:
        return Observed(decode_tps=measured(speed, "tokens/s", "jetson-nano"), runtime=runtime)

    old = contender("old", observed=seen(90, "onnxruntime 1.9.0"))
    new = contender("new", observed=seen(9, "onnxruntime 1.20.1"))
    other = contender("other", observed=seen(8, "ai_edge_litert 2.1.0"))
    chosen = select([old, new, other], NANO)
    assert winner(chosen) == "new"
    assert chosen.notes == ("old was measured with onnxruntime 1.9.0, others with 1.20.1: its estimate counts",)
    assert [entry.candidate.variant for entry in chosen.runners_up] == ["other", "old"]


@settings(max_examples=60)
@given(contenders())
def test_what_wins_is_on_the_front(entries: tuple[Contender, ...]) -> None:
    chosen = select(entries, NANO, Aim("memory"), devices=["lab/nano-1"])
    assert (chosen.winner is None) == (not chosen.pareto)
    standing = [] if chosen.winner is None else [chosen.winner, *chosen.runners_up]
    assert set(chosen.pareto) <= {entry.candidate.variant for entry in standing}


def test_five_thousand_contenders_are_judged_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Linear but for sorting: nothing compares every pair."""
    counted = {name: Mock(wraps=getattr(select_module, name)) for name in ("known", "broken", "order")}
    for name, function in counted.items():
        monkeypatch.setattr(select_module, name, function)
    entries = [contender(f"v{index}", decode_tps=1 + index % 97, peak_mb=100 + index) for index in range(5000)]
    chosen = select(entries, NANO, Aim(limits=Limits(memory_bytes=2000 * 2**20)))
    assert winner(chosen) == "v96"
    assert {function.call_count for function in counted.values()} == {5000}
