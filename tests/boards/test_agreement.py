"""A board's processor computes what this machine's does, from what was exported for that board."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest

from boards import answers
from boards.emulator import BOARDS, Emulated
from boards.running import answers_there

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edgeslm_agent.bundle import Bundle

CASES = 48  # with 14 positions of answer each
AGREEMENT = 0.99  # of the answers' tokens; `bench.boards` has the figures for more cases and for all tokens


@cache
def answers_here(bundle: Path) -> answers.Answers:
    return answers.answers(bundle, answers.held_out_cases(CASES))


@pytest.mark.parametrize("format_", ["onnx", "tflite"])
def test_an_export_for_a_board_answers_there_as_it_does_here(
    emulated: Emulated, format_: str, exported: Callable[[str, str], Bundle], tmp_path: Path
) -> None:
    bundle = exported(emulated.board.profile, format_)
    there = answers_there(emulated, bundle.path, answers.held_out_cases(CASES), tmp_path)
    here = answers_here(bundle.path)
    same, positions = answers.agreeing(there, here, whole=False)
    assert positions > 6 * CASES
    assert same >= AGREEMENT * positions
    assert there["written"] == here["written"]


def test_boards_with_and_without_the_dot_product_are_tried() -> None:
    assert {board.facts().target().int8_dot_product for board in BOARDS} == {False, True}
