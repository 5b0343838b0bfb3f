"""A table of rounds and sides falls apart into both, and one odd figure moves neither."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.polish import polished

factors = st.lists(st.floats(0.1, 10), min_size=1, max_size=7)


@given(factors, factors)
def test_what_rounds_and_sides_multiply_is_told_apart(rounds: list[float], sides: list[float]) -> None:
    found = polished([[minute * side for side in sides] for minute in rounds])
    assert [one / found[0] for one in found] == pytest.approx([side / sides[0] for side in sides])


@given(st.floats(1e-3, 1e3))
def test_one_odd_figure_moves_nothing(odd: float) -> None:
    table = [[minute * side for side in (1, 2, 3, 4, 5)] for minute in (1.0, 1.3, 0.8, 2.0, 1.1)]
    table[3][1] = odd
    assert polished(table) == pytest.approx([1.1 * side for side in (1, 2, 3, 4, 5)])


def test_one_round_is_taken_as_it_is() -> None:
    assert polished([[3.0, 1.0, 2.0]]) == pytest.approx([3, 1, 2])
