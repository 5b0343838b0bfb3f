"""The agent's folder on disk: one lock, the spool's file, the last order, a document for `edgeslm-agent status`."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from typing import TYPE_CHECKING, Any

from edgeslm_agent.contract.codec import Malformed
from edgeslm_agent.contract.desired import Desired, parse_desired, wrong
from edgeslm_agent.errors import EnvironmentProblem
from edgeslm_agent.host.durable import write_durable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_STATE = "state.json"
_ORDER = "desired.json"
_MAX_STATE_BYTES = 64 * 1024


def spool_file(folder: Path) -> Path:
    """Return where the spool lies."""
    return folder / "spool.sqlite"


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Make the folder and hold it: two agents in one spool would resend each other's telemetry.

    Raises EnvironmentProblem when it cannot be made or another agent has it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise EnvironmentProblem(
            f"the agent's folder {folder} cannot be used: {error.strerror}", "give a writable folder with --spool"
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise EnvironmentProblem(
                f"another agent uses {folder}", "stop it, or give this one a folder of its own with --spool"
            ) from error
        yield
    finally:
        os.close(descriptor)


def is_claimed(folder: Path) -> bool:
    """Return whether an agent is running on the folder now."""
    try:
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def write_state(folder: Path, document: Mapping[str, Any]) -> None:
    """Replace the state document; a disk that refuses is passed over, because the spool reports that already.

    Without fsync: it changes often, and after a power cut the old one is as good.
    """
    temporary = folder / f".{_STATE}.{os.getpid()}"
    with contextlib.suppress(OSError):
        temporary.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        temporary.replace(folder / _STATE)


def read_state(folder: Path) -> dict[str, Any] | None:
    """Return the state document, or None when there is none that can be read."""
    try:
        with (folder / _STATE).open("rb") as file:
            document = json.loads(file.read(_MAX_STATE_BYTES))
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None


def keep_order(folder: Path, order: Desired) -> None:
    """Keep the settings the centre gave, for a start without a network; a full disk only costs that."""
    with contextlib.suppress(OSError):
        write_durable(folder / _ORDER, order.payload())


def read_order(folder: Path) -> Desired | None:
    """Return the settings that were kept, or None when there are none that can be used."""
    try:
        with (folder / _ORDER).open("rb") as file:
            order = parse_desired(file.read(_MAX_STATE_BYTES))
    except (OSError, Malformed):
        return None
    return None if wrong(order.telemetry) else order
