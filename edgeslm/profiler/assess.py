"""Holds one bundle against its fp32 reference: opens both, measures quality, applies the gate."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from edgeslm.profiler.gate import judge_model
from edgeslm.profiler.quality import evaluate, work
from edgeslm_agent.engine.session import Session

if TYPE_CHECKING:
    from edgeslm.profiler.dataset import Dataset
    from edgeslm.profiler.gate import Gate, Verdict
    from edgeslm.profiler.quality import Quality
    from edgeslm.progress import Progress
    from edgeslm_agent.bundle import Bundle


@dataclass(frozen=True)
class Assessment:
    """A quality and, when a gate was asked for, its verdict."""

    quality: Quality
    verdict: Verdict | None

    @property
    def passed(self) -> bool:
        """Whether no gate objects."""
        return self.verdict is None or self.verdict.passed

    def document(self) -> dict[str, Any]:
        """Return the JSON object of `evidence/quality.json` and of `edgeslm eval --json`."""
        judged = {"gate": None, "reasons": []} if self.verdict is None else asdict(self.verdict)
        judged.pop("passed", None)
        status = "measured" if self.verdict is None else "passed" if self.verdict.passed else "failed"
        return {"status": status, **judged, **asdict(self.quality)}


def assess(bundle: Bundle, reference: Bundle, data: Dataset, gate: Gate | None, progress: Progress) -> Assessment:
    """Measure the quality of a bundle against its reference and judge it."""
    with (
        Session.open(reference) as theirs,
        Session.open(bundle) as mine,
        progress(f"measuring the quality of {bundle.manifest.variant}", work(data)) as advance,
    ):
        quality = evaluate(mine, theirs, data, advance)
    verdict = None if gate is None else judge_model(quality, gate, bundle.manifest.model.parameters)
    return Assessment(quality, verdict)
