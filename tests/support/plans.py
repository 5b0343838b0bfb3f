"""Plans, candidates and contenders for tests, without files: real layouts of known models on shipped profiles."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from edgeslm.catalog import device
from edgeslm.profiler.figure import Figure
from edgeslm.profiler.plan import Plan, plan
from support.specs import spec_named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgeslm.profiler.candidate import Candidate

MODEL = "smollm2-135m-instruct"


def plan_for(
    board: str, model: str = MODEL, *, memory: str | None = None, recipes: Sequence[str] | None = None
) -> Plan:
    """Plan a known model for a board."""
    return plan(model, spec_named(model), device(board, memory=memory), recipes=recipes)


@cache
def _any_candidate() -> Candidate:
    return plan_for("jetson-nano", recipes=["wi4b32-afp32"]).candidates[0]


def candidate(
    variant: str, *, peak_mb: float, decode_tps: float, error: float, reasons: tuple[str, ...] = ()
) -> Candidate:
    """Return a candidate with the figures that a selection looks at."""
    first = _any_candidate()
    peak, speed = peak_mb * 2**20, decode_tps
    return replace(
        first,
        variant=variant,
        kept=not reasons,
        reasons=reasons,
        weight_error=error,
        estimate=replace(
            first.estimate,
            peak_bytes=Figure(peak, 0.8 * peak, 1.2 * peak, "bytes", "estimated", "jetson-nano"),
            decode_tps=Figure(speed, 0.5 * speed, 1.5 * speed, "tokens/s", "estimated", "jetson-nano"),
        ),
    )
