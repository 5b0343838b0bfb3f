"""How much room LiteRT's caches have: enough, never much more, and not changed at every turn."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from edgeslm_agent.engine.runtime.litert_calls import CACHE_STEP, PROMPT_STEP, cache_size


@given(st.integers(1, 4096), st.integers(1, 4096))
def test_caches_have_room_for_what_a_call_needs_and_not_a_step_more(needed: int, context: int) -> None:
    needed = min(needed, context)
    size = cache_size(needed, 0, context)
    assert needed <= size <= min(context, needed + CACHE_STEP - 1)


@given(st.integers(1, 4096), st.integers(0, 4096), st.integers(0, 4096))
def test_caches_do_not_shrink_while_they_hold_something(needed: int, now: int, end: int) -> None:
    assert cache_size(needed, now, 4096, end=end) >= max(now, needed)


@given(st.integers(1, 4096), st.integers(1, 4096))
def test_a_prompt_finds_room_in_few_steps_and_no_more_than_it_needs(needed: int, end: int) -> None:
    needed = min(needed, end)
    size = cache_size(needed, 0, 4096, end=end)
    assert size >= min(end, -(-needed // PROMPT_STEP) * PROMPT_STEP)
    assert size <= min(needed + PROMPT_STEP, end + 3 * CACHE_STEP // 2) - 1


@given(st.integers(1, 4096), st.integers(0, 4096))
def test_a_new_prompt_keeps_room_that_is_a_little_too_much(needed: int, now: int) -> None:
    size, fresh = cache_size(needed, now, 4096, kept=False), cache_size(needed, 0, 4096)
    assert size == now if fresh <= now <= fresh + PROMPT_STEP // 2 else size == fresh


def test_long_answers_do_not_move_their_caches_all_the_time() -> None:
    sizes = [64]
    while sizes[-1] < 4096:
        sizes.append(cache_size(sizes[-1] + 1, sizes[-1], 4096))
    assert all(after - before >= before / 8 for before, after in pairwise(sizes[:-1]))
    assert len(sizes) < 30
