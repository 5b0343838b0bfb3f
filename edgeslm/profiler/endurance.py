"""What lasts: the speed that a board keeps when it is warm, and the energy of an answer. None where no fact says it.

    sustained speed = sustained share x speed                 share = throughput of 10 minutes / that of 30 seconds
    joules          = per byte x bytes + per operation x multiply-adds + idle power x seconds       (arXiv 2509.20189)

The share is the profile's `thermal.sustained_share`; the coefficients are its `power.joules_per_gb`,
`power.joules_per_gmac` and `power.idle_w`, from loads that differ in what they move and compute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm.profiler.figure import Figure

if TYPE_CHECKING:
    from edgeslm.catalog import Profile
    from edgeslm.profiler.task import Task
    from edgeslm_exporters.matrices import AnyLayout

COEFFICIENTS = ("joules_per_gb", "joules_per_gmac", "idle_w")


def sustained(speed: Figure, profile: Profile) -> Figure | None:
    """Return the speed that lasts, None where nobody measured how much of it does."""
    share = dict(profile.thermal).get("sustained_share")
    if share is None:
        return None
    kept = float(share.value)
    return Figure(speed.value * kept, speed.low * kept, speed.high * kept, speed.unit, speed.basis, speed.on)


def energy(places: AnyLayout, task: Task, answer_s: Figure, profile: Profile) -> Figure | None:
    """Return the joules of one answer that takes `answer_s`, None where a coefficient of the board is unknown."""
    facts = dict(profile.power)
    if not all(name in facts for name in COEFFICIENTS):
        return None
    per_gb, per_gmac, idle_w = (float(facts[name].value) for name in COEFFICIENTS)
    passes = task.answer + 1  # the prompt's, and one a token
    moved = passes * places.decode_read_bytes / 1e9
    weights = sum(m.projection.share * m.projection.rows * m.projection.columns for m in places.products)
    fixed = per_gb * moved + per_gmac * task.tokens * weights / 1e9
    value, low, high = (fixed + idle_w * seconds for seconds in (answer_s.value, answer_s.low, answer_s.high))
    return Figure(value, low, high, "J", "estimated", profile.name)
