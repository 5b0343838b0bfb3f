from __future__ import annotations

from itertools import pairwise

import pytest

from edgeslm.catalog import device, devices
from edgeslm.profiler.aim import Aim, Objective
from edgeslm.profiler.escalation import escalation
from edgeslm.profiler.plan import plan
from edgeslm_exporters.recipe import parse_recipe
from support.plans import MODEL, plan_for
from support.specs import HOME, spec_named


def bits_tried(board: str, objective: Objective = "speed") -> list[set[int]]:
    planned = plan(MODEL, spec_named(MODEL), device(board), aim=Aim(objective))
    return [set(parse_recipe(candidate.recipe).bits) for candidate in planned.to_try]


def test_bits_grow_from_4_by_head_and_down_projection_to_8_to_floats() -> None:
    planned = plan_for("raspberry-pi-5")
    assert bits_tried("raspberry-pi-5") == [{4}, {4, 8}, {8}, {16}]
    assert planned.to_try[0] == planned.kept[0]
    assert planned.to_try[1].recipe == "wi4b32-afp32-di8b32-hi8b32"


def test_a_board_without_dot_product_gets_its_most_exact_4_bit_form() -> None:
    planned = plan_for("jetson-nano")
    assert bits_tried("jetson-nano") == [{4}, {4}, {16}]
    assert planned.to_try[1].recipe == "wu4b16-afp32"


def test_what_does_not_fit_is_not_a_step() -> None:
    planned = plan("home", HOME, device("raspberry-pi-5"), recipes=["wi4b32-afp32", "fp32"])
    assert [candidate.recipe for candidate in planned.to_try] == ["wi4b32-afp32", "fp32"]
    small = plan_for("raspberry-pi-5", memory="900MB")
    assert set(small.to_try) <= set(small.kept)
    assert escalation(()) == ()


def test_quality_as_the_objective_begins_with_floats() -> None:
    assert bits_tried("raspberry-pi-5", "quality")[0] <= {16, 32}


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["speed", "first-token", "memory", "quality"])  # the others order by bytes too
@pytest.mark.parametrize("board", devices())
def test_every_step_has_more_bits_than_the_one_before(board: str, objective: Objective) -> None:
    tries = plan(MODEL, spec_named(MODEL), device(board), aim=Aim(objective)).to_try
    assert all(later.effective_bits > earlier.effective_bits for earlier, later in pairwise(tries))
