"""A bound on memory that the kernel keeps: a cgroup of version 1 or 2, whichever this machine has."""

from __future__ import annotations

import contextlib
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_V1, _V2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")
_HOW = "a memory bound needs root, or sudo without a password, and a writable /sys/fs/cgroup"


@dataclass(frozen=True)
class MemoryLimit:
    """A cgroup with a bound in bytes."""

    folder: Path

    def within(self, command: Sequence[str | Path]) -> list[str]:
        """Return `command` as one that enters the group and then becomes that command, as the present user."""
        enter = f'echo $$ >"{self.folder}/cgroup.procs" && exec "$@"'
        back = [] if os.geteuid() == 0 else ["sudo", "-n", "--preserve-env", "-u", f"#{os.getuid()}"]
        return [*_root(), "sh", "-c", enter, "sh", *back, *map(str, command)]

    def peak_bytes(self) -> int:
        """Return the most memory the group ever held."""
        names = ("memory.max_usage_in_bytes", "memory.peak")
        return int(next(file for name in names if (file := self.folder / name).exists()).read_text("ascii"))

    def kills(self) -> int:
        """Return how many processes were killed for memory."""
        text = (self.folder / ("memory.oom_control" if _is_v1() else "memory.events")).read_text("ascii")
        counts = dict(line.split() for line in text.splitlines())
        return int(counts["oom_kill"])


@contextlib.contextmanager
def memory_limit(limit: int, name: str) -> Iterator[MemoryLimit]:
    """Make a cgroup of at most `limit` bytes, without swap, for the block; nothing may be left in it at the end."""
    if not _is_v1():
        _as_root("sh", "-c", f"echo +memory >{_V2}/cgroup.subtree_control")
    folder = (_V1 if _is_v1() else _V2) / f"edgeslm-{name}-{os.getpid()}"
    _as_root("mkdir", str(folder))
    try:
        bounds = {"memory.limit_in_bytes": limit, "memory.swappiness": 0}
        for file, value in (bounds if _is_v1() else {"memory.max": limit, "memory.swap.max": 0}).items():
            _as_root("sh", "-c", f'echo {value} >"{folder}/{file}"')
        yield MemoryLimit(folder)
    finally:
        _as_root("rmdir", str(folder))


def _is_v1() -> bool:
    return (_V1 / "memory.limit_in_bytes").exists()


def _root() -> list[str]:
    return [] if os.geteuid() == 0 else ["sudo", "-n", "--preserve-env"]


def _as_root(*command: str) -> None:
    done = subprocess.run([*_root(), *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip()}; {_HOW}"
