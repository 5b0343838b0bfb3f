from __future__ import annotations

import pytest

from edgeslm_exporters.onnx.layout import layout
from edgeslm_exporters.recipe import parse_recipe
from edgeslm_exporters.refusal import refusals
from edgeslm_exporters.target import Target
from support.specs import HOME


def refused(recipe: str, target: Target) -> tuple[str, ...]:
    parsed = parse_recipe(recipe)
    return refusals(parsed, layout(HOME, parsed, 64), target)


NANO = Target("jetson-nano", "aarch64", frozenset({"asimd"}), {})
PI5 = Target("raspberry-pi-5", "aarch64", frozenset({"asimd", "asimddp"}), {})
N100 = Target("n100", "x86_64", frozenset({"avx2"}), {})


@pytest.mark.parametrize(
    ("recipe", "count"),
    [
        ("fp32", 0),
        ("fp16", 0),
        ("wi4b32-afp32", 0),
        ("wu4b128-afp32", 0),
        ("wi4b32-afp32-hi8b32", 1),
        ("wi8-afp32-hi4b32", 1),
        ("wi8b32-afp32", 1),
    ],
)
def test_a_board_without_dot_product_must_not_run_eight_bits(recipe: str, count: int) -> None:
    reasons = refused(recipe, NANO)
    assert len(reasons) == count
    assert all("jetson-nano" in reason and "8-bit" in reason for reason in reasons)


@pytest.mark.parametrize("target", [PI5, N100])
def test_a_board_with_it_may_run_everything(target: Target) -> None:
    assert refused("wi8b32-afp32", target) == ()


@pytest.mark.parametrize(
    ("recipe", "newest", "count"),
    [
        ("wi8b32-afp32", "1.22.1", 1),
        ("wi8b32-afp32", "1.23.2", 0),
        ("wi4b32-afp32", "1.20.1", 0),
        ("fp32", "1.19.2", 1),
    ],
)
def test_a_board_whose_runtime_is_too_old_is_told_so(recipe: str, newest: str, count: int) -> None:
    board = Target("old", "aarch64", frozenset({"asimddp"}), {"onnx": newest})
    reasons = refused(recipe, board)
    assert len(reasons) == count
    assert all(newest in reason for reason in reasons)
