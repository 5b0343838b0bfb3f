from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeslm.profiler.gate import BALANCED, CONSERVATIVE, GATES, LOSSLESS, TINY, gate_for, gate_named, judge
from edgeslm.profiler.quality import Quality
from edgeslm_agent.errors import UsageError

GOOD = Quality("a text", 1000, 0.001, 0.0001, 0.01, 0.05, 0.99, 1.001)


def test_good_quality_passes_every_gate() -> None:
    assert all(judge(GOOD, gate).passed for gate in GATES)


@pytest.mark.parametrize(
    ("broken", "what"),
    [
        (replace(GOOD, kld_mean=0.051), "mean KL"),
        (replace(GOOD, kld_p999=1.61), "99.9 % KL"),
        (replace(GOOD, ppl_ratio=1.06), "perplexity"),
        (replace(GOOD, top1_agreement=0.899), "top-1"),
        (replace(GOOD, flips=0.07), "flips"),
    ],
)
def test_each_bound_of_balanced_blocks_alone_and_is_named(broken: Quality, what: str) -> None:
    verdict = judge(broken, BALANCED)
    assert not verdict.passed
    assert len(verdict.reasons) == 1
    assert what in verdict.reasons[0]


def test_not_a_number_never_passes() -> None:
    nan = float("nan")
    assert len(judge(replace(GOOD, kld_mean=nan, top1_agreement=nan), BALANCED).reasons) == 2


def test_tiny_gate_reports_flips_without_judging_them() -> None:
    assert judge(replace(GOOD, flips=0.5), TINY).passed


def test_small_json_model_is_judged_one_band_stricter() -> None:
    assert gate_for(BALANCED, 10**6, json_tasks=True) is CONSERVATIVE
    assert gate_for(LOSSLESS, 10**6, json_tasks=True) is LOSSLESS
    assert gate_for(BALANCED, 10**9, json_tasks=True) is BALANCED
    assert gate_for(BALANCED, 10**6, json_tasks=False) is BALANCED


def test_unknown_gate_is_refused_with_the_known_names() -> None:
    assert gate_named("none") is None
    with pytest.raises(UsageError) as caught:
        gate_named("strict")
    assert "balanced" in caught.value.hint


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 5), st.floats(1, 2))
def test_what_a_stricter_gate_passes_a_looser_one_passes_too(kld: float, top1: float, tail: float, ppl: float) -> None:
    quality = replace(GOOD, kld_mean=kld, top1_agreement=top1, kld_p999=tail, ppl_ratio=ppl)
    passed = [judge(quality, gate).passed for gate in GATES]
    assert passed == sorted(passed)
