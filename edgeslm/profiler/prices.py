"""What each bound costs: which better variant it keeps out, and by how much it would have to give way.

A variant that breaks one bound alone wins as soon as that bound is relaxed far enough. For each bound the best of those
within ten percent is named, else the one that needs least; the binding bound is the one whose relaxation wins most.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgeslm.profiler.bounds import FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edgeslm.profiler.bounds import BoundName, Broken

RELAXED = 1.1  # a bound that gives way by ten percent
TITLES: dict[BoundName, str] = {
    "budget": "the memory that the board leaves",
    "memory": "--max-memory",
    "first_token": "--max-first-token",
    "answer": "--max-answer-time",
    "decode": "--min-decode",
    "divergence": "--max-divergence",
    "energy": "--max-energy",
    "gate": "the quality gate",
}


@dataclass(frozen=True)
class Entry:
    """A variant as prices see it: its place in the order (best first), its cost, and the bounds it breaks.

    `possible` is false for what no bound's relaxation can help: a form the board cannot run.
    """

    variant: str
    key: tuple[Any, ...]
    cost: float
    broken: tuple[Broken, ...]
    possible: bool = True


@dataclass(frozen=True)
class Price:
    """One bound: what would win if it gave way to `needed`, which is `excess` times what it allows.

    Both are None where nobody can say how far (a gate of several bounds). `gain` is the share of the objective's cost
    that the new winner saves; None when nothing wins now.
    """

    bound: BoundName
    title: str
    allowed: float | None
    needed: float | None
    excess: float | None
    wins: str
    gain: float | None

    @property
    def within_ten_percent(self) -> bool:
        """Whether ten percent more would do."""
        return self.excess is not None and self.excess <= RELAXED

    def sentence(self) -> str:
        """Return the price in words."""
        saves = "fit" if self.gain is None else f"win and save {100 * self.gain:.0f} %"
        wins = f"{self.wins} would {saves}"
        if self.excess is None or self.allowed is None or self.needed is None:
            return f"with {self.title} looser, {wins}"
        write = FORMATS[self.bound]
        enough = f"{write(self.needed)} instead of {write(self.allowed)}"
        if self.within_ten_percent:
            return f"{self.title} 10 % wider ({enough} is enough): {wins}"
        more = f"{100 * (self.excess - 1):.0f} % wider" if self.excess < 10 else f"{self.excess:.0f} times as wide"
        return f"{self.title} 10 % wider wins nothing; {more} ({enough}), {wins}"


def prices(entries: Sequence[Entry]) -> tuple[Price, ...]:
    """Return the price of every bound that keeps out something better than what wins, the binding bound first."""
    allowed = [entry for entry in entries if entry.possible and not entry.broken]
    winner = min(allowed, key=lambda entry: entry.key, default=None)
    rivals: dict[BoundName, list[Entry]] = {}
    for entry in entries:
        if not entry.broken or not entry.possible or (winner is not None and not _beats(entry, winner)):
            continue
        bound = entry.broken[0].bound
        if all(broken.bound == bound for broken in entry.broken):
            rivals.setdefault(bound, []).append(entry)
    found = [_price(bound, kept_out, winner) for bound, kept_out in rivals.items()]
    return tuple(sorted(found, key=_binding_first))


def _beats(entry: Entry, winner: Entry) -> bool:
    """Return whether an entry goes before the winner and costs less: near ties in cost are ordered by other things."""
    return entry.cost < winner.cost and entry.key < winner.key


def _price(bound: BoundName, kept_out: Iterable[Entry], winner: Entry | None) -> Price:
    near = [entry for entry in kept_out if _excess(entry) <= RELAXED]
    best = min(near, key=lambda e: e.key) if near else min(kept_out, key=lambda e: (_excess(e), e.key))
    worst = max(best.broken, key=lambda broken: broken.excess)
    known = math.isfinite(worst.excess)
    return Price(
        bound,
        TITLES[bound],
        worst.allowed if known else None,
        worst.needed if known else None,
        round(worst.excess, 4) if known else None,
        best.variant,
        None if winner is None else round(1 - best.cost / winner.cost, 4) if winner.cost else 0.0,
    )


def _excess(entry: Entry) -> float:
    return max(broken.excess for broken in entry.broken)


def _binding_first(price: Price) -> tuple[Any, ...]:
    far = math.inf if price.excess is None else price.excess
    gain = 1.0 if price.gain is None else price.gain
    return (not price.within_ten_percent, -gain if price.within_ten_percent else far, price.bound)
