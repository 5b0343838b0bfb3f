"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from edgeslm_agent.host.durable import make_private_folder, write_durable
from support.interruption import interruptions

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_file_is_the_old_or_the_new_one_wherever_it_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"old")
    seen = set()
    for _ in interruptions(lambda: write_durable(file, b"new"), monkeypatch):
        seen.add(file.read_bytes())
        file.write_bytes(b"old")
    assert seen == {b"old", b"new"}
    assert file.read_bytes() == b"new"


def test_rights_are_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        make_private_folder(tmp_path / "a/b")
        write_durable(tmp_path / "a/b/secret", b"x")
        write_durable(tmp_path / "a/b/public", b"x", 0o644)
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "a").rglob("*")}
    assert modes == {"b": 0o700, "secret": 0o600, "public": 0o644}
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700


def test_failure_leaves_no_temporary_file(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    try:
        write_durable(tmp_path / "file", b"x")
    except OSError:
        assert [one.name for one in tmp_path.iterdir()] == ["file"]
    else:
        raise AssertionError("a file cannot replace a folder")
