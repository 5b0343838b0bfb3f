from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeslm.profiler.aim import Aim, Limits
from edgeslm.profiler.task import Task, parse_task, usual_task
from edgeslm_agent.errors import UsageError


@given(st.integers(1, 10**7), st.integers(1, 10**7))
def test_a_task_is_read_as_it_is_written(prompt: int, answer: int) -> None:
    task = Task(prompt, answer)
    assert parse_task(str(task)) == task
    assert parse_task(f" answer={answer} , prompt={prompt}") == task
    assert task.tokens == prompt + answer


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "not a part"),
        ("prompt=500", "no answer"),
        ("answer=5", "no prompt"),
        ("prompt=5,answer=5,prompt=6", "twice"),
        ("promt=5,answer=5", "'promt' is unknown"),
        ("prompt=x,answer=5", "not a part"),
        ("prompt=0,answer=5", "prompt of 0"),
        ("prompt=5,answer=-1", "answer of -1"),
        ("prompt=5,answer=99999999", "answer of 99999999"),
        ("prompt=5.5,answer=2", "not a part"),
    ],
)
def test_a_task_misspelt_says_what_and_how_to_write_it(text: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem) as caught:
        parse_task(text)
    assert "prompt=500,answer=60" in caught.value.hint


@pytest.mark.parametrize(("context", "prompt"), [(1, 1), (2, 1), (64, 32), (256, 128), (8192, 128)])
def test_the_usual_prompt_fills_half_a_short_context(context: int, prompt: int) -> None:
    assert usual_task(context).prompt == prompt


@pytest.mark.parametrize("bound", [0, -1, float("nan"), float("inf"), -float("inf")])
def test_a_limit_that_is_no_positive_number_is_refused(bound: float) -> None:
    for name in vars(Limits()):
        with pytest.raises(UsageError, match=name):
            Limits(**{name: bound})


def test_an_unknown_objective_names_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        Aim("memry")  # type: ignore[arg-type]  # what a caller read from somewhere
    assert "did you mean memory?" in caught.value.hint
