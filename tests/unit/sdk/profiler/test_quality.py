from __future__ import annotations

import math
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeslm.profiler.quality import Remembered, Scorer, compare_logits

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray


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


class CountingSession:
    """Gives logits that depend on the tokens, in chunks of two, and counts what it computed."""

    def __init__(self, vocabulary: int = 5) -> None:
        self.computed = 0
        self.manifest = SimpleNamespace(decoder=SimpleNamespace(vocab_size=vocabulary))

    def score_chunks(self, token_ids: Sequence[int]) -> Iterator[tuple[int, NDArray[np.float32]]]:
        self.computed += 1
        buffer = np.empty((2, self.manifest.decoder.vocab_size), np.float32)
        for start in range(0, len(token_ids), 2):
            part = token_ids[start : start + 2]
            buffer[: len(part)] = np.asarray(part, np.float32)[:, None]  # valid until the next, as a session's are
            yield start, buffer[: len(part)]


def scored(scorer: Scorer, ids: tuple[int, ...]) -> list[float]:
    return [float(row[0]) for _, logits in scorer.score_chunks(ids) for row in logits]


def test_remembered_logits_are_computed_once_and_stay_what_they_were() -> None:
    session = CountingSession()
    remembered = Remembered(session, most_bytes=1000)  # type: ignore[arg-type]
    assert [scored(remembered, (1, 2, 3)) for _ in range(3)] == [[1, 2, 3]] * 3
    assert session.computed == 1


def test_what_does_not_fit_is_computed_again() -> None:
    session = CountingSession()
    remembered = Remembered(session, most_bytes=3 * 5 * 4)  # type: ignore[arg-type]
    for ids in ((1, 2, 3), (4, 5, 6), (1, 2, 3), (4, 5, 6)):
        assert scored(remembered, ids) == list(ids)
    assert session.computed == 3
