from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeslm.profiler.speed import Constants, Work, seconds

BOARD = Constants(bandwidth=4e9, thread_bandwidth=2e9, thread_rate=3e9, layer_s=2e-4)
amounts = st.floats(1e3, 1e12)
works = st.builds(Work, amounts, amounts, st.integers(1, 100), st.integers(1, 16), st.floats(1, 20))
boards = st.builds(Constants, amounts, amounts, amounts, st.floats(1e-6, 1e-2), st.floats(0.05, 1))


def test_a_token_that_only_reads_takes_bytes_over_bandwidth() -> None:
    board = Constants(bandwidth=4e9, thread_bandwidth=1e15, thread_rate=1e15, layer_s=0)
    assert seconds(Work(2e9, 0, 24), board) == pytest.approx(0.5, rel=1e-4)


def test_few_threads_read_less_than_the_memory_gives() -> None:
    assert BOARD.reached_bandwidth(1) == pytest.approx(4e9 / 3)
    assert BOARD.reached_bandwidth(1e9) == pytest.approx(4e9, rel=1e-6)


@given(works, boards, st.sampled_from(["read_bytes", "multiply_adds", "layers", "passes"]), st.floats(1, 10))
def test_more_work_never_takes_less(work: Work, board: Constants, what: str, times: float) -> None:
    more = replace(work, **{what: getattr(work, what) * times})
    assert seconds(more, board) >= seconds(work, board) * (1 - 1e-12)


@given(works, boards, st.sampled_from(["bandwidth", "thread_bandwidth", "thread_rate", "share"]), st.floats(1, 10))
def test_a_faster_board_never_takes_more(work: Work, board: Constants, what: str, times: float) -> None:
    faster = replace(board, **{what: getattr(board, what) * times})
    assert seconds(work, faster) <= seconds(work, board) * (1 + 1e-12)


@given(works, boards)
def test_corner_lies_between_the_larger_time_and_their_sum(work: Work, board: Constants) -> None:
    moving = replace(work, multiply_adds=0, layers=0)
    computing = replace(work, read_bytes=0, layers=0)
    both = seconds(replace(work, layers=0), board)
    parts = seconds(moving, board), seconds(computing, board)
    assert max(parts) * (1 - 1e-9) <= both <= sum(parts) * (1 + 1e-9)
