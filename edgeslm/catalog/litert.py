"""Whether a board's system can install ai-edge-litert: a matter of processor, C library and Python alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgeslm.catalog.profile import Profile

# The wheels of version 2.3.0 in the Python package index, looked up in November 2026.
ARCHITECTURES = ("aarch64", "x86_64")
GLIBC = (2, 27)
PYTHON = (3, 10)


def litert_missing(profile: Profile) -> tuple[str, ...]:
    """Return every reason why ai-edge-litert cannot be installed; what the profile leaves open is no reason."""
    glibc, python = _newest(profile.system.glibc), _newest(profile.system.python)
    reasons = []
    if profile.architecture not in ARCHITECTURES:
        reasons.append(f"no wheels for {profile.architecture}")
    if glibc and glibc < GLIBC:
        reasons.append(f"it needs glibc {_text(GLIBC)}, the system has {_text(glibc)}")
    if python and python < PYTHON:
        reasons.append(f"it needs Python {_text(PYTHON)}, the system has {_text(python)}")
    return tuple(reasons)


def _newest(text: str) -> tuple[int, int] | None:
    found = [(int(major), int(minor)) for major, minor in re.findall(r"\b([23])\.(\d+)", text)]
    return max(found, default=None)


def _text(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
