from __future__ import annotations

import pytest

from edgeslm.catalog import device
from edgeslm.course import Course, affordable, require_memory
from edgeslm.planning import Wish, plan_source
from edgeslm.profiler.export_memory import Stage
from edgeslm.source import open_source
from edgeslm_agent.errors import EnvironmentProblem, UsageError
from support.plans import MODEL, plan_for
from support.specs import spec_named

SPEC = spec_named(MODEL)
PLANNED = plan_for("raspberry-pi-5")
COURSE = Course(PLANNED, PLANNED.to_try, ())


def test_steps_beyond_the_memory_are_left_out_with_the_stage_that_needs_it() -> None:
    kept, reasons = affordable(COURSE, SPEC, 228 * 2**20, compared=False)
    assert kept.steps == tuple(step for step in COURSE.steps if step.effective_bits < 16)
    assert len(reasons) == len(COURSE.steps) - len(kept.steps) == 1
    assert "fp16" in reasons[0]
    assert "running the self-test takes up to" in reasons[0]


def test_enough_memory_leaves_the_course_as_it_is() -> None:
    assert affordable(COURSE, SPEC, 2**40, compared=True) == (COURSE, ())


def test_too_little_for_all_is_refused_with_what_would_do() -> None:
    with pytest.raises(EnvironmentProblem, match="comparing with the fp32 reference takes up to") as caught:
        affordable(COURSE, SPEC, 450 * 2**20, compared=True)
    assert "--gate none" in caught.value.hint


def test_a_stage_within_its_memory_is_no_problem() -> None:
    stage = Stage("measuring", 450 * 2**20)
    require_memory(stage, 450 * 2**20)
    with pytest.raises(EnvironmentProblem, match="measuring takes up to 450 MB; --max-ram allows 449 MB"):
        require_memory(stage, 449 * 2**20)


def test_a_size_or_the_name_asks_for_a_mix_and_neither_goes_with_other_recipes() -> None:
    assert not Wish(("wi4b32-afp32",), ("onnx",), None).mixed
    assert Wish(("mixed",), ("onnx",), None).mixed
    assert Wish((), ("onnx",), None, target_size=10**6).mixed
    with pytest.raises(UsageError, match="no other --recipe"):
        Wish(("fp16",), ("onnx",), None, target_size=10**6)


@pytest.mark.parametrize(
    ("recipes", "learns"),
    [
        (("wi4b32-afp32",), False),
        ((), False),
        (("wi4b32-afp32-gptq",), True),
        (("wi4b32-afp32-kv8",), True),
    ],
)
def test_what_learns_from_data_is_known_beforehand(recipes: tuple[str, ...], *, learns: bool) -> None:
    wish = Wish(recipes, ("onnx",), None)
    assert plan_source(open_source(None), device("raspberry-pi-5"), wish).calibrates is learns
