"""How much memory there is, and how much a cgroup lets this process have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm_agent.host.files import ROOT, cgroup_folders, kilobytes, read_int, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NO_LIMIT = 1 << 60  # cgroup v1 writes "no limit" as a number near 2^63; v2 writes the word max
# Per cgroup version: the limit, what is used of it, and the key of the page cache within it, which the kernel
# takes back.
_FILES = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def meminfo(root: Path = ROOT) -> dict[str, int]:
    """Return /proc/meminfo in bytes by name."""
    return kilobytes(read_text(root / "proc/meminfo"))


def available_bytes(root: Path = ROOT) -> int:
    """Return how many bytes this process could still take: MemAvailable, or less under a cgroup's limit."""
    facts = meminfo(root)
    available = facts.get("MemAvailable", facts.get("MemFree", 0))
    for limit, used in _limits(root):
        available = min(available, max(limit - used, 0))
    return available


def memory_limit(root: Path = ROOT) -> int | None:
    """Return the tightest memory limit of this process's cgroups in bytes, or None."""
    return min((limit for limit, _ in _limits(root)), default=None)


def _limits(root: Path) -> Iterator[tuple[int, int]]:
    """Yield (limit, used without reclaimable pages) of each cgroup that has a limit, in bytes."""
    for folder in cgroup_folders(root, "memory"):
        for limit_name, used_name, cache_key in _FILES:
            limit = read_int(folder / limit_name)
            if limit is None or limit >= NO_LIMIT:
                continue
            used = (read_int(folder / used_name) or 0) - _statistic(folder / "memory.stat", cache_key)
            yield limit, max(used, 0)


def _statistic(file: Path, key: str) -> int:
    for line in read_text(file).splitlines():
        name, _, value = line.partition(" ")
        if name == key and value.isdigit():
            return int(value)
    return 0
