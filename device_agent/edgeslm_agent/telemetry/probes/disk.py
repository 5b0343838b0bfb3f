"""Free space of the root file system, for an unprivileged process. Source: statvfs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from edgeslm_agent.telemetry.source import Source

if TYPE_CHECKING:
    from pathlib import Path

FIGURES = ("disk_free_bytes",)


def probe(root: Path) -> Source:
    """Return the reader."""

    def read() -> dict[str, float]:
        try:
            facts = os.statvfs(root)
        except OSError:
            return {}
        return {"disk_free_bytes": facts.f_bavail * facts.f_frsize}

    return Source(read)
