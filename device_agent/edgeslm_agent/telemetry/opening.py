"""Opening a spool whatever the disk is like: an agent starts, and says what it had to give up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm_agent.errors import EnvironmentProblem
from edgeslm_agent.telemetry.spool import BrokenSpool, Spool, SpoolLimits

if TYPE_CHECKING:
    from pathlib import Path

_IN_MEMORY = SpoolLimits(max_bytes=2 * 2**20, max_event_bytes=2**18)


def open_spool(path: Path, limits: SpoolLimits) -> tuple[Spool, str]:
    """Return a spool and what went wrong ('' when nothing did).

    A file that is no database any more is set aside as `.broken`. A disk that does not work, full ones included, is
    done without: the spool is in memory then, the file is left as it is, and the next start finds it again.
    """
    try:
        return Spool(path, limits), ""
    except BrokenSpool as error:
        trouble = f"{error.message}; it is set aside as {path.name}.broken"
    except EnvironmentProblem as error:
        return _in_memory(error.message)
    try:
        for suffix in ("", "-wal", "-shm"):
            old = path.with_name(path.name + suffix)
            if old.exists():
                old.replace(path.with_name(f"{path.name}.broken{suffix}"))
        return Spool(path, limits), trouble
    except (OSError, EnvironmentProblem) as error:
        return _in_memory(str(error))


def _in_memory(problem: str) -> tuple[Spool, str]:
    return Spool(None, _IN_MEMORY), f"{problem}; telemetry is kept in memory and a restart loses it"
