"""The order of candidates by their estimates: by the objective, near ties by exactness, then by size."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from edgeslm.profiler.format_choice import DEFAULT, LEAD
from edgeslm.profiler.outlook import cost, estimated

if TYPE_CHECKING:
    from edgeslm.profiler.aim import Aim
    from edgeslm.profiler.candidate import Candidate
    from edgeslm.profiler.outlook import Outlook

# Estimates this close are equal, and the more exact recipe goes first. Variants of one model on one board share most of
# their error, so their order is surer than their speeds (11 % off at best), and the band is narrow.
SAME = 1.04


def order(candidate: Candidate, guess: Outlook, aim: Aim, *, timed: bool) -> tuple[float, ...]:
    """Return the sort key of a candidate by its estimates, best first.

    Near ties go to the more exact, then to the smaller file. Another format than ONNX must be better by a lead, except
    in times where a probe `timed` both runtimes; it weighed neither.
    """
    exactness = round(candidate.weight_error, 3)  # fp16 is as good as fp32
    other = candidate.format != DEFAULT
    lead = LEAD if other and (aim.objective == "memory" or not timed) else 1.0
    if aim.objective == "quality":
        wanted: tuple[float, ...] = (exactness, _step(lead / guess.decode_tps.value))
    else:
        wanted = (_step(lead * candidate_cost(candidate, guess, aim)),)
    return (*wanted, exactness, other, candidate.estimate.weights_bytes.value, guess.peak_bytes.value)


def candidate_cost(candidate: Candidate, outlook: Outlook, aim: Aim) -> float:
    """Return what the objective wants little of, as far as it is known of a candidate."""
    return cost(outlook, aim, weight_error=candidate.weight_error, read_bytes=candidate.read_bytes)


def task_time(candidate: Candidate, aim: Aim) -> float:
    """Return the seconds of the task, or of a token where none is named."""
    return candidate_cost(candidate, estimated(candidate, aim.task), replace(aim, objective="speed"))


def _step(value: float) -> int:
    return round(math.log(value) / math.log(SAME))
