"""Boards as their probes see them: small trees of /proc and /sys, one text file a board in `boards/`.

A line is `path = text`, with `\\n` for a line break; the file's comment says whether the tree was recorded on a device
or made from documentation.
"""

from __future__ import annotations

from pathlib import Path

from support.fake_machine import lay_out

_FOLDER = Path(__file__).parent / "boards"
BOARDS = tuple(sorted(file.stem for file in _FOLDER.glob("*.txt")))


def board_files(name: str) -> dict[str, str]:
    """Return the files of a board by their paths below `/`."""
    lines = (_FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.partition(" =") for line in lines if line and not line.startswith("#"))
    return {path: text.strip().replace("\\n", "\n") + "\n" for path, _, text in pairs}


def board(root: Path, name: str) -> Path:
    """Lay a board out below `root`."""
    return lay_out(root, board_files(name))


def origin(name: str) -> str:
    """Return the comment that says where a board's tree comes from."""
    lines = (_FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return " ".join(line.lstrip("# ") for line in lines if line.startswith("#"))
