"""Opening a spool on every kind of disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgeslm_agent.errors import EnvironmentProblem
from edgeslm_agent.telemetry.opening import open_spool
from edgeslm_agent.telemetry.spool import Record, Spool, SpoolLimits

if TYPE_CHECKING:
    from pathlib import Path

RECORD = Record("b0", 1, "sample", b"{}")


def test_sound_spool_is_opened_without_a_word(tmp_path: Path) -> None:
    before = Spool(tmp_path / "s")
    before.append([RECORD])
    before.close()
    spool, trouble = open_spool(tmp_path / "s", SpoolLimits())
    assert (spool.depth, trouble) == (1, "")
    spool.close()


@pytest.mark.parametrize("damage", ["header", "middle"])
def test_broken_file_is_set_aside_and_a_new_one_begun(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "s"
    before = Spool(path)
    before.append([Record("b0", seq, "sample", b"x" * 500) for seq in range(1, 200)])
    before.close()
    content = bytearray(path.read_bytes())
    content[slice(0, 100) if damage == "header" else slice(4096, len(content))] = b"\xa5" * (
        100 if damage == "header" else len(content) - 4096
    )
    path.write_bytes(content)
    spool, trouble = open_spool(path, SpoolLimits())
    assert "set aside as s.broken" in trouble
    assert (tmp_path / "s.broken").read_bytes()[4096:] == content[4096:]
    spool.append([RECORD])
    assert spool.depth == 1
    spool.close()


def test_disk_that_does_not_work_is_done_without_and_its_file_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s"
    before = Spool(path)
    before.append([RECORD])
    before.close()
    healthy = Spool._prepare

    def full(self: Spool) -> None:
        if self._db.execute("PRAGMA database_list").fetchone()[2]:
            raise EnvironmentProblem("database or disk is full")
        healthy(self)

    monkeypatch.setattr(Spool, "_prepare", full)
    spool, trouble = open_spool(path, SpoolLimits())
    assert "kept in memory" in trouble
    spool.append([RECORD])
    assert spool.depth == 1
    spool.close()
    monkeypatch.undo()
    again, trouble = open_spool(path, SpoolLimits())
    assert (again.depth, trouble) == (1, "")
    again.close()
    assert not (tmp_path / "s.broken").exists()


def test_folder_in_the_way_is_done_without(tmp_path: Path) -> None:
    spool, trouble = open_spool(tmp_path, SpoolLimits())
    assert "kept in memory" in trouble
    spool.close()
