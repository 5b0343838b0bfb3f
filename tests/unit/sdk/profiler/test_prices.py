from __future__ import annotations

import math
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeslm.profiler.bounds import BoundName, Broken
from edgeslm.profiler.prices import RELAXED, Entry, prices

ALLOWED = 100.0
NAMES: tuple[BoundName, ...] = get_args(BoundName)


def breaks(bound: BoundName, excess: float) -> Broken:
    needed = ALLOWED / excess if bound == "decode" else ALLOWED * excess
    return Broken(bound, ALLOWED, needed, f"{bound} is broken")


@st.composite
def entries(draw: st.DrawFn) -> list[Entry]:
    excess = st.sampled_from([1.01, 1.05, 1.1, 1.2, 3.0])
    found = []
    for index in range(draw(st.integers(1, 8))):
        bounds = draw(st.lists(st.sampled_from(NAMES[:4]), unique=True, max_size=2))
        cost = draw(st.integers(1, 9))
        broken = tuple(breaks(bound, draw(excess)) for bound in bounds)
        found.append(Entry(f"v{index}", (cost, f"v{index}"), float(cost), broken, draw(st.booleans())))
    return found


def winner(found: list[Entry], bound: BoundName, factor: float) -> Entry | None:
    """Choose anew with one bound relaxed, by looking at every entry: what a price must say."""

    def fits(entry: Entry) -> bool:
        left = [one for one in entry.broken if one.bound != bound or one.excess > factor + 1e-9]
        return entry.possible and not left

    return min((entry for entry in found if fits(entry)), key=lambda entry: entry.key, default=None)


@given(entries())
def test_a_price_says_what_choosing_anew_with_ten_percent_more_would_say(found: list[Entry]) -> None:
    told = {price.bound: price for price in prices(found)}
    for bound in NAMES:
        now, then = winner(found, bound, 1.0), winner(found, bound, RELAXED)
        better = then is not None and (now is None or then.cost < now.cost)
        price = told.get(bound)
        assert better == (price is not None and price.within_ten_percent)
        if better and price is not None and then is not None:
            assert price.wins == then.variant
            assert price.gain == (None if now is None else pytest.approx(1 - then.cost / now.cost, abs=1e-4))


@given(entries())
def test_a_price_beyond_ten_percent_is_the_least_that_wins_anything(found: list[Entry]) -> None:
    for price in prices(found):
        if price.within_ten_percent or price.excess is None:
            continue
        now, then = winner(found, price.bound, 1.0), winner(found, price.bound, price.excess)
        assert then is not None
        assert now is None or then.cost < now.cost
        just_less = winner(found, price.bound, price.excess * 0.999)
        assert (None if just_less is None else just_less.cost) == (None if now is None else now.cost) or (
            just_less is not None and now is not None and just_less.cost >= now.cost
        )


def test_the_binding_bound_is_the_one_that_costs_most_within_ten_percent() -> None:
    free = Entry("kept", (10,), 10.0, ())
    near = Entry("near", (8,), 8.0, (breaks("memory", 1.05),))
    nearer = Entry("nearer", (5,), 5.0, (breaks("decode", 1.08),))
    far = Entry("far", (1,), 1.0, (breaks("budget", 2.0),))
    assert [price.bound for price in prices([free, near, nearer, far])] == ["decode", "memory", "budget"]


def test_sentences_say_how_far_and_what_it_wins() -> None:
    free = Entry("kept", (10,), 10.0, ())
    memory = Entry("wide", (8,), 8.0, (Broken("memory", 400 * 2**20, 420 * 2**20, ""),))
    assert prices([free, memory])[0].sentence() == (
        "--max-memory 10 % wider (420 MB instead of 400 MB is enough): wide would win and save 20 %"
    )
    far = replace(memory, broken=(Broken("memory", 400 * 2**20, 600 * 2**20, ""),))
    assert prices([free, far])[0].sentence() == (
        "--max-memory 10 % wider wins nothing; 50 % wider (600 MB instead of 400 MB), wide would win and save 20 %"
    )
    assert prices([far])[0].sentence().endswith("wide would fit")


def test_a_gate_of_several_bounds_has_a_price_without_a_distance() -> None:
    failed = Entry("bold", (5,), 5.0, (Broken("gate", 1, math.inf, "mean KL"), Broken("gate", 1, math.inf, "flips")))
    (price,) = prices([Entry("kept", (10,), 10.0, ()), failed])
    assert (price.excess, price.needed, price.gain) == (None, None, 0.5)
    assert price.sentence() == "with the quality gate looser, bold would win and save 50 %"


def test_what_the_board_cannot_run_has_no_price() -> None:
    assert (
        prices([Entry("kept", (10,), 10.0, ()), Entry("no", (1,), 1.0, (breaks("memory", 1.01),), possible=False)])
        == ()
    )
