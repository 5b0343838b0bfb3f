"""Where the records of probes lie: one for each profile's name, below the user's data."""

from __future__ import annotations

import os
from pathlib import Path


def probes_folder() -> Path:
    """Return the folder: EDGESLM_PROBES, or one below the user's data."""
    if named := os.environ.get("EDGESLM_PROBES"):
        return Path(named)
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "edgeslm/probes"


def probe_of(device: str) -> Path:
    """Return where the record of a profile of this name lies, or would lie."""
    return probes_folder() / f"{device}.json"
