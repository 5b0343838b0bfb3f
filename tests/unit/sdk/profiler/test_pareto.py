from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from edgeslm.profiler.pareto import Costs, front

COST = st.integers(0, 4).map(float)  # few values: ties are what goes wrong
POINTS = st.lists(st.tuples(COST, COST, COST), max_size=30)


def beats(one: Costs, other: Costs) -> bool:
    return one != other and all(mine <= theirs for mine, theirs in zip(one, other, strict=True))


def beaten_by_none(points: list[Costs]) -> set[int]:
    return {index for index, point in enumerate(points) if not any(beats(other, point) for other in points)}


@given(POINTS)
def test_the_front_is_what_no_other_point_beats(points: list[Costs]) -> None:
    assert front(points) == beaten_by_none(points)


def test_the_front_of_many_distinct_points() -> None:
    random = Random(5)
    points: list[Costs] = [(random.random(), random.random(), random.random()) for _ in range(400)]
    assert front(points) == beaten_by_none(points)


class Counted(float):
    """A number that counts how often it is compared."""

    comparisons = 0

    def __lt__(self, other: float) -> bool:
        Counted.comparisons += 1
        return float(self) < float(other)

    def __gt__(self, other: float) -> bool:
        Counted.comparisons += 1
        return float(self) > float(other)


def test_five_thousand_points_take_n_log_n_comparisons() -> None:
    random = Random(5)
    points: list[Costs] = [
        (Counted(random.random()), Counted(random.random()), Counted(random.random())) for _ in range(5000)
    ]
    Counted.comparisons = 0
    front(points)
    assert Counted.comparisons < 5000 * 40  # log2(5000) is 12.3, once to sort and once to search; pairs are 12 million
