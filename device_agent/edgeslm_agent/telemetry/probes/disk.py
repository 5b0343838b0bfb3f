"""Free space of the root file system. Source: statvfs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FIGURES = {"disk_free_bytes": "free space of the root file system, for an unprivileged process"}


def probe(root: Path) -> Callable[[], dict[str, float]]:
    """Return the reader."""

    def read() -> dict[str, float]:
        try:
            facts = os.statvfs(root)
        except OSError:
            return {}
        return {"disk_free_bytes": facts.f_bavail * facts.f_frsize}

    return read
