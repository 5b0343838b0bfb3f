"""Waiting for something that will happen: generous and bounded, so that a slow machine only takes longer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


PATIENCE_S = 120.0  # nothing waits this long unless it is broken, not even on a machine with ten times the work


def eventually(condition: Callable[[], object], what: str = "", within_s: float = PATIENCE_S) -> None:
    """Return as soon as the condition is true; fail the test when it never is."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError(f"it did not happen within {within_s:g} s: {what or condition}")
