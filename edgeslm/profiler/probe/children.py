"""The child processes of a probe: each works in a folder that goes when it ends, and none outlives its parent."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from edgeslm.profiler.probe.held import held_signals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

LOOK_S = 0.2  # between two looks at whether somebody wants the probe to end


@dataclass(frozen=True)
class Workplace:
    """A folder for all children, their standard input, which ends when this process does, and whether to give up."""

    folder: Path
    lifeline: int
    interrupted: Callable[[], bool]


@dataclass(frozen=True)
class Ended:
    """What a child printed and complained of, and its exit code: below 0 the signal that ended it."""

    said: str
    complained: str
    code: int


@contextlib.contextmanager
def workplace() -> Iterator[Workplace]:
    """Make a workplace for the block and remove it afterwards; an interrupt takes effect when it is gone."""
    with held_signals() as interrupted, TemporaryDirectory(prefix="edgeslm-probe-") as folder:
        reader, writer = os.pipe()
        try:
            yield Workplace(Path(folder), reader, interrupted)
        finally:
            os.close(writer)
            os.close(reader)


def run_in_folder(command: Callable[[str], Sequence[str]], seconds: float, place: Workplace) -> Ended:
    """Run a child until it ends, its seconds are over or an interrupt comes; `command` gets an empty folder's path.

    The folder is removed.
    """
    deadline = time.monotonic() + seconds
    with (
        TemporaryDirectory(dir=place.folder) as folder,
        subprocess.Popen(
            command(folder), stdin=place.lifeline, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as child,
    ):
        while (ended := _looked_at(child)) is None:
            if place.interrupted() or time.monotonic() > deadline:
                child.kill()
        return ended


def _looked_at(child: subprocess.Popen[str]) -> Ended | None:
    """Return how a child ended, None when it is still at it after a while."""
    try:
        said, complained = child.communicate(timeout=LOOK_S)
    except subprocess.TimeoutExpired:
        return None
    return Ended(said, complained, child.returncode)
