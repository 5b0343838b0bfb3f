from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgeslm.catalog import device
from edgeslm.profiler.contender import Observed, QualityEvidence
from edgeslm.profiler.evidence import contender, judged_again, observed_from, quality_from
from edgeslm.profiler.gate import BALANCED, LOSSLESS
from edgeslm_agent.bundle import write_evidence
from support.small_bundles import write_bundle

if TYPE_CHECKING:
    from pathlib import Path

QUALITY: dict[str, Any] = {
    "status": "passed",
    "gate": "balanced",
    "reasons": [],
    "data": "a text",
    "tokens": 500,
    "kld_mean": 0.02,
    "kld_stderr": 0.001,
    "kld_p99": 0.2,
    "kld_p999": 0.4,
    "top1_agreement": 0.95,
    "ppl_ratio": 1.01,
    "later_field": 1,
}
SMALL = 10**6  # parameters
MEASURE: dict[str, Any] = {"on": "host", "decode_tps": 100.0, "peak_rss_bytes": 123_456_789, "text": "hello"}


def test_no_evidence_leaves_everything_unknown() -> None:
    assert observed_from(None) == Observed()
    assert quality_from(None) == QualityEvidence("not measured")
    assert quality_from({"status": "passed"}) == QualityEvidence("not measured")
    assert quality_from({"status": "dreamt", "kld_mean": 0.1}) == QualityEvidence("not measured")


def test_figures_that_are_there_are_read_and_others_stay_unknown() -> None:
    observed = observed_from(MEASURE)
    assert observed.peak_bytes is not None
    assert (observed.peak_bytes.value, observed.peak_bytes.basis, observed.peak_bytes.on) == (
        123_456_789, "measured", "host",
    )  # fmt: skip
    assert observed.prefill_tps is None


def test_verdict_found_stands_until_a_gate_is_named() -> None:
    assert quality_from(QUALITY) == QualityEvidence("passed", "balanced", (), 0.02)
    assert judged_again(QUALITY, BALANCED, SMALL).status == "passed"
    stricter = judged_again(QUALITY, LOSSLESS, SMALL)
    assert (stricter.status, stricter.gate) == ("failed", "lossless")
    assert stricter.reasons
    assert judged_again(None, BALANCED, SMALL) == QualityEvidence("not measured")


def test_a_named_gate_is_as_strict_on_json_answers_as_eval_is() -> None:
    answers = {**QUALITY, "json_tasks": True}
    assert judged_again(answers, BALANCED, SMALL).gate == "conservative"
    assert judged_again(answers, BALANCED, SMALL).status == "failed"
    assert judged_again(answers, BALANCED, 10**9).status == "passed"


def test_bundle_becomes_a_contender_with_exact_bytes(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "b", "wi4b32-afp32")
    write_evidence(bundle, "quality", QUALITY)
    write_evidence(bundle, "measure", MEASURE)
    found = contender(bundle, device("raspberry-pi-5"))
    assert found.candidate.variant == bundle.manifest.variant
    assert found.candidate.estimate.weights_bytes.value == bundle.weights_bytes
    assert found.candidate.kept
    assert found.quality.status == "passed"
    assert found.observed.decode_tps is not None
