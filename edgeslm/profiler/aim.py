"""What is wanted of a variant: an objective, the task it is for, and limits that it must keep."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal, get_args

from edgeslm_agent.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgeslm.profiler.prices import Price
    from edgeslm.profiler.task import Task

Objective = Literal["speed", "first-token", "decode", "memory", "quality", "energy"]
OBJECTIVES: tuple[Objective, ...] = get_args(Objective)


@dataclass(frozen=True)
class Limits:
    """Bounds that a variant must keep; None is no bound. Memory and times at most, tokens a second at least.

    `kld_mean` is the divergence from fp32 in nats a token, `energy_j` the energy of one answer.
    Raises UsageError for a bound that is not a positive number.
    """

    memory_bytes: float | None = None
    first_token_s: float | None = None
    answer_s: float | None = None
    decode_tps: float | None = None
    kld_mean: float | None = None
    energy_j: float | None = None

    def __post_init__(self) -> None:
        """Check every bound."""
        for name, bound in vars(self).items():
            if bound is not None and not (0 < bound < math.inf):
                raise UsageError(f"a limit must be a positive number, {name} is {bound:g}", "leave it out for no limit")


NO_LIMITS = Limits()


@dataclass(frozen=True)
class Aim:
    """What decides between variants: the objective, for a task (None: the usual one), within limits.

    `speed` is the time of the whole task where one is named, else the decoding speed.
    Raises UsageError for an unknown objective.
    """

    objective: Objective = "speed"
    task: Task | None = None
    limits: Limits = NO_LIMITS

    def __post_init__(self) -> None:
        """Check the objective, which callers may have read from a user."""
        if self.objective not in OBJECTIVES:
            near = get_close_matches(self.objective, OBJECTIVES, 1)
            meant = f"did you mean {near[0]}? " if near else ""
            raise UsageError(
                f"there is no objective '{self.objective}'", f"{meant}the objectives are {', '.join(OBJECTIVES)}"
            )


FASTEST = Aim()


def aim_document(aim: Aim, prices: Sequence[Price]) -> dict[str, Any]:
    """Return what was wanted and what the bounds cost, as JSON-ready data; `binding` is null when nothing is lost."""
    return {
        "objective": aim.objective,
        "task": None if aim.task is None else asdict(aim.task),
        "limits": {name: bound for name, bound in asdict(aim.limits).items() if bound is not None},
        "binding": {**asdict(prices[0]), "sentence": prices[0].sentence()} if prices else None,
        "prices": [asdict(price) for price in prices],
    }
