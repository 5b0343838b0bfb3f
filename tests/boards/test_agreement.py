"""A board's processor computes what this machine's does, from what was exported for that board."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from boards import answers
from boards.emulator import BOARDS, REPOSITORY, Emulated
from edgeslm.catalog import device

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgeslm_agent.bundle import Bundle

CASES = 20  # with about 20 tokens of answer each
TASKS = REPOSITORY / "edgeslm/builtin/home/tasks/combinations.jsonl"
# 4 bits with activations in fp32 leave a near tie here and there to the order of a sum; see README.md for all positions.
AGREEMENT = 0.99


def cases() -> list[answers.Case]:
    lines = TASKS.read_text("utf-8").splitlines()[:CASES]
    tasks: list[dict[str, Any]] = [json.loads(line) for line in lines]
    return [{"prompt": task["prompt"], "expected": json.dumps(task["expected"])} for task in tasks]


@pytest.mark.parametrize("format_", ["onnx", "tflite"])
def test_an_export_for_a_board_answers_there_as_it_does_here(
    emulated: Emulated, format_: str, exported: Callable[[str, str], Bundle], tmp_path: Path
) -> None:
    bundle = exported(emulated.board.profile, format_)
    asked, out = tmp_path / "cases.json", tmp_path / "answers.json"
    asked.write_text(json.dumps(cases()), encoding="utf-8")
    ran = emulated.run(Path(answers.__file__), bundle.path, asked, out)
    assert ran.returncode == 0, ran.stderr[-2000:]
    there, here = json.loads(out.read_text("utf-8")), answers.answers(bundle.path, cases())
    same = [a == b for one, other in zip(there["read"], here["read"], strict=True) for a, b in zip(one, other, strict=True)]
    assert len(same) > 10 * CASES
    assert sum(same) >= AGREEMENT * len(same)
    assert there["written"] == here["written"]


def test_boards_of_both_kinds_are_tried() -> None:
    kinds = {device(board.profile).target().int8_dot_product for board in BOARDS}
    assert kinds == {False, True}
