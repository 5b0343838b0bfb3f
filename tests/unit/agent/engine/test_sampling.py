"""Choosing a token: pure functions of the logits, checked against plain definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edgeslm_agent.engine.generation import Generation
from edgeslm_agent.engine.sampling import candidates, greedy, sampler, softmax, top_tokens

if TYPE_CHECKING:
    from numpy.typing import NDArray

FINITE = st.floats(-50, 50, width=32)
LOGITS = arrays(np.float32, st.integers(1, 40), elements=FINITE)
SIX = np.log(np.array([0.05, 0.4, 0.1, 0.3, 0.1, 0.05], np.float32))


def test_greedy_takes_the_lowest_id_of_the_most_likely() -> None:
    assert greedy(np.array([0, 3, 1, 3], np.float32)) == 1


@given(LOGITS, st.integers(1, 50))
def test_top_tokens_are_those_of_a_full_sort(logits: NDArray[np.float32], count: int) -> None:
    found = top_tokens(logits, count)
    assert sorted(logits[found], reverse=True) == sorted(logits, reverse=True)[:count]
    assert list(found) == sorted(found, key=lambda token: (-logits[token], token))


@given(LOGITS, st.floats(0.1, 10))
def test_softmax_is_a_distribution_in_the_order_of_the_logits(logits: NDArray[np.float32], temperature: float) -> None:
    likely = softmax(logits, temperature)
    assert likely.sum() == pytest.approx(1)
    assert (np.diff(likely[np.argsort(logits)]) >= 0).all()


def test_top_p_keeps_the_smallest_set_that_reaches_its_share() -> None:
    for share, kept in ((0.39, 1), (0.41, 2), (0.69, 2), (0.71, 3), (1.0, 6)):
        tokens, _ = candidates(SIX, 1.0, 0, share)
        assert len(tokens) == kept
        assert list(tokens[:2]) == [1, 3][:kept]


def test_top_k_comes_before_top_p() -> None:
    tokens, _ = candidates(SIX, 1.0, 2, 0.6)
    assert list(tokens) == [1, 3]
    tokens, _ = candidates(SIX, 1.0, 2, 0.5)
    assert list(tokens) == [1]


def test_equal_seeds_draw_equal_tokens_and_others_do_not() -> None:
    def drawn(seed: int | None) -> list[int]:
        pick = sampler(Generation(temperature=1.0, seed=seed))
        return [pick(SIX) for _ in range(30)]

    assert drawn(3) == drawn(3)
    assert drawn(3) != drawn(4)
    assert drawn(None) != drawn(None)


def test_tokens_are_drawn_as_often_as_they_are_likely() -> None:
    pick = sampler(Generation(temperature=1.0, seed=0))
    counts = np.bincount([pick(SIX) for _ in range(4000)], minlength=6) / 4000
    np.testing.assert_allclose(counts, np.exp(SIX), atol=0.03)


def test_nothing_outside_the_kept_set_is_drawn() -> None:
    pick = sampler(Generation(temperature=5.0, top_k=3, seed=0))
    assert {pick(SIX) for _ in range(200)} == set(top_tokens(SIX, 3).tolist())


@pytest.mark.parametrize("options", [Generation(), Generation(temperature=2.0, top_k=1), Generation(temperature=1e-6)])
def test_no_temperature_one_candidate_and_almost_none_are_greedy(options: Generation) -> None:
    pick = sampler(options)
    assert {pick(SIX) for _ in range(20)} == {1}


def test_a_vocabulary_of_one_token_has_one_answer() -> None:
    assert sampler(Generation(temperature=1.0))(np.zeros(1, np.float32)) == 0
