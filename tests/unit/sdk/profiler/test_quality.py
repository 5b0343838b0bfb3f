from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeslm.profiler.quality import compare_logits


def softmax(row: list[float]) -> list[float]:
    total = sum(math.exp(x - max(row)) for x in row)
    return [math.exp(x - max(row)) / total for x in row]


@given(
    st.lists(
        st.tuples(
            st.lists(st.floats(-20, 20, width=32), min_size=5, max_size=5),
            st.lists(st.floats(-20, 20, width=32), min_size=5, max_size=5),
            st.integers(0, 4),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_agrees_with_the_textbook_sums(rows: list[tuple[list[float], list[float], int]]) -> None:
    reference = np.array([r for r, _, _ in rows], np.float32)
    candidate = np.array([c for _, c, _ in rows], np.float32)
    targets = np.array([t for _, _, t in rows])
    divergence, agreement, surprise = compare_logits(reference, candidate, targets)
    for index, (r, c, t) in enumerate(rows):
        p, q = softmax(r), softmax(c)
        assert divergence[index] == pytest.approx(sum(a * math.log(a / b) for a, b in zip(p, q, strict=True)), abs=1e-6)
        assert agreement[index] == (reference[index].argmax() == candidate[index].argmax())
        assert surprise[index] == pytest.approx(math.log(p[t]) - math.log(q[t]), abs=1e-6)


def test_equal_logits_have_no_divergence() -> None:
    logits = np.random.default_rng(0).normal(size=(4, 50)).astype(np.float32)
    divergence, agreement, surprise = compare_logits(logits, logits + 3, np.zeros(4, np.int64))
    assert np.allclose(divergence, 0, atol=1e-6)
    assert agreement.all()
    assert np.allclose(surprise, 0, atol=1e-5)
