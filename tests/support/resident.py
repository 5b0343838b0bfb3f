"""How much of a mapped file is in this process's memory, as the kernel counts it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def resident(file: Path) -> int:
    """Return the resident bytes of all mappings of `file`."""
    inside, found = False, 0
    with open("/proc/self/smaps", encoding="utf-8") as lines:  # noqa: PTH123  # not a path of the test's
        for line in lines:
            if "-" in line.split()[0]:
                inside = line.rstrip("\n").endswith(str(file))
            elif inside and line.startswith("Rss:"):
                found += int(line.split()[1]) * 1024
    return found
