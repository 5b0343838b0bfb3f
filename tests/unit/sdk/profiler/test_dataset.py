from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgeslm.profiler.dataset import Dataset, calibration_text, default_text, read_tasks, read_text
from edgeslm_agent.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from pathlib import Path


def test_default_text_says_what_it_is() -> None:
    data = default_text()
    assert len(data.text.split()) > 1000
    assert "default text" in data.name


def test_tasks_are_read_and_answers_written_as_a_model_writes_them(tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl"
    file.write_text(
        '{"prompt": "a", "expected": "x"}\n\n{"prompt": "b", "expected": {"action": "none", "value": 1.5}}\n'
    )
    data = read_tasks(file)
    assert [task.answer for task in data.tasks] == ["x", '{"action":"none","value":1.5}']
    assert data.json_tasks


def test_all_bad_lines_are_reported_at_once(tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl"
    file.write_text('{"prompt": "a"}\nnot json\n[1]\n{"prompt": 3, "expected": 1}\n{"prompt": "fine", "expected": 1}\n')
    with pytest.raises(ConfigError) as caught:
        read_tasks(file)
    assert [problem.split(":")[1] for problem in caught.value.problems] == ["1", "2", "3", "4"]


@pytest.mark.parametrize("content", [b"", b"   \n", b"\xff\xfe\x00"])
def test_useless_text_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "t.txt"
    file.write_bytes(content)
    with pytest.raises(UsageError):
        read_text(file)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"gone\.txt"):
        read_text(tmp_path / "gone.txt")


def test_split_keeps_apart_what_calibrates_and_what_judges(tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl"
    file.write_text("".join(f'{{"prompt": "{number}", "expected": "x"}}\n' for number in range(10)))
    calibration, judged = read_tasks(file).split()
    assert [task.prompt for task in calibration.tasks] == ["3", "7"]
    assert [task.prompt for task in judged.tasks] == ["0", "1", "2", "4", "5", "6", "8", "9"]
    assert (calibration.name, judged.name) == ("a quarter of tasks t.jsonl", "three quarters of tasks t.jsonl")


@pytest.mark.parametrize("between", ["\n\n", "\n\n\n", "\n"])
def test_split_cuts_a_text_by_paragraphs_or_by_lines_and_loses_nothing(between: str) -> None:
    blocks = [f"block {number}{between}" for number in range(9)]
    calibration, judged = Dataset("a text", "".join(blocks)).split()
    assert calibration.text == blocks[3] + blocks[7]
    assert judged.text == "".join(block for index, block in enumerate(blocks) if index not in {3, 7})


def test_split_of_too_little_is_refused() -> None:
    with pytest.raises(UsageError, match="too short to calibrate"):
        Dataset("a text", "one line\nand another\n").split()


def test_the_calibration_text_shares_no_paragraph_with_the_default_text() -> None:
    paragraphs = [set(data.text.split("\n\n")) for data in (calibration_text(), default_text())]
    assert len(paragraphs[0]) > 10
    assert not paragraphs[0] & paragraphs[1]
