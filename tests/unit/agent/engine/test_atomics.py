"""The library that ends the process of an older Arm core is found before it is loaded."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from edgeslm_agent.engine.runtime.atomics import LIBRARY, check_atomics
from edgeslm_agent.errors import EnvironmentProblem
from edgeslm_agent.host import read_host
from support.fake_machine import jetson_nano, lay_out, raspberry_pi_5

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a package of that name before the real one."""
    folder = lay_out(tmp_path / "site", {"ai_edge_litert/__init__.py": "", f"ai_edge_litert/{LIBRARY}": ""})
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "ai_edge_litert", raising=False)
    return folder / "ai_edge_litert"


def test_a_core_without_atomics_is_told_which_file_to_remove(package: Path, tmp_path: Path) -> None:
    board = read_host(jetson_nano(tmp_path / "board"), machine="aarch64")
    with pytest.raises(EnvironmentProblem, match="Cortex-A57 has no atomics") as caught:
        check_atomics(board)
    assert str(package / LIBRARY) in caught.value.hint
    (package / LIBRARY).unlink()
    check_atomics(board)


@pytest.mark.usefixtures("package")
def test_a_core_with_atomics_and_a_pc_are_let_through(tmp_path: Path) -> None:
    check_atomics(read_host(raspberry_pi_5(tmp_path / "board"), machine="aarch64"))
    check_atomics(read_host(tmp_path, machine="x86_64"))
