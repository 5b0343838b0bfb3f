"""The agent's folder: one agent at a time, and a document that is whole or absent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgeslm_agent.errors import EnvironmentProblem
from edgeslm_agent.state import claimed, is_claimed, read_state, write_state

if TYPE_CHECKING:
    from pathlib import Path


def test_second_agent_on_a_folder_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "deep/folder"
    assert not is_claimed(folder)
    with claimed(folder):
        assert is_claimed(folder)
        with pytest.raises(EnvironmentProblem, match="another agent"), claimed(folder):
            pass
    assert not is_claimed(folder)
    with claimed(folder):
        pass


def test_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentProblem, match="cannot be used"), claimed(tmp_path / "file/folder"):
        pass


def test_state_is_replaced_and_garbage_is_none(tmp_path: Path) -> None:
    assert read_state(tmp_path) is None
    write_state(tmp_path, {"state": "online"})
    write_state(tmp_path, {"state": "offline"})
    assert read_state(tmp_path) == {"state": "offline"}
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]
    (tmp_path / "state.json").write_text("[1]", encoding="utf-8")
    assert read_state(tmp_path) is None
    write_state(tmp_path / "absent", {"state": "online"})
