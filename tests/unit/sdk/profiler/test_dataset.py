from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgeslm.profiler.dataset import default_text, read_tasks, read_text
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
