"""What sides take beside one another, of rounds that each had their own minute: Tukey's median polish.

A shared machine is slow for a minute, and whoever is measured in it looks slow. But sides that are measured one behind
the other are slow together: on one such host what neighbours took over their usual time was correlated by 0.35 to 0.6.
So a table of logarithms, rounds by sides, is split into what a round has and what a side has, by taking medians of both
in turn (J. W. Tukey, Exploratory Data Analysis, 1977, chapter 11); one odd figure moves neither.
"""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SWEEPS = 10  # over rounds and sides


def polished(rounds: Sequence[Sequence[float]]) -> list[float]:
    """Return each side's figure in a usual round; `rounds` has one positive figure a side in each."""
    left = [[math.log(figure) for figure in one] for one in rounds]
    of_rounds, of_sides = [0.0] * len(left), [0.0] * len(left[0])
    for _ in range(SWEEPS):
        levels = [median(row) for row in left]
        left = [[figure - level for figure in row] for row, level in zip(left, levels, strict=True)]
        levels_of_sides = [median(column) for column in zip(*left, strict=True)]
        left = [[figure - level for figure, level in zip(row, levels_of_sides, strict=True)] for row in left]
        of_rounds = [a + b for a, b in zip(of_rounds, levels, strict=True)]
        of_sides = [a + b for a, b in zip(of_sides, levels_of_sides, strict=True)]
    usual = median(of_rounds)
    return [math.exp(usual + own) for own in of_sides]
