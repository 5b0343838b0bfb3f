"""Holds one bundle against its fp32 reference: opens both, measures quality, applies the gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm.profiler.gate import judge_model
from edgeslm.profiler.judged import Judged
from edgeslm.profiler.quality import Quality, evaluate, work
from edgeslm_agent.engine.session import Session

if TYPE_CHECKING:
    from edgeslm.profiler.dataset import Dataset
    from edgeslm.profiler.gate import Gate
    from edgeslm.progress import Progress
    from edgeslm_agent.bundle import Bundle


class Assessment(Judged[Quality]):
    """How good a decoder's bundle is."""


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
