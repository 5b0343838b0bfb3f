"""Citing the clauses of PROTOCOL.md: `@clauses("S1", "S2")` above a test, and who is cited by a folder of tests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Test = TypeVar("Test", bound=Callable[..., None])


def clauses(*_names: str) -> Callable[[Test], Test]:
    """Say which clauses a test plays."""
    return lambda test: test


def cited(folder: Path) -> set[str]:
    """Return the clauses cited by the folder's tests; read from their text, so that one file run alone knows all."""
    calls = [
        call
        for file in folder.glob("test_*.py")
        for call in re.findall(r"^@clauses\(([^)]*)\)", file.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    return {name for call in calls for name in re.findall(r'"([A-Z]\d+)"', call)}
