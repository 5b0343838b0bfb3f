"""A probe as a real process, interrupted: the record that was there stays, and neither files nor processes are left."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.waiting import PATIENCE_S, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Process = subprocess.Popen[str]

pytestmark = pytest.mark.slow

EARLIER = b'{"schema": "edgeslm.probe/1", "taken": "long ago"}\n'
# A shell that runs the tests in its background has them ignore SIGINT, and a child inherits that: it is set again.
COMMAND = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from edgeslm.cli.main import entry
sys.argv = ["edgeslm", "measure", "--probe"]
entry()
"""
# What of a child's work is under way, by the files in its folder.
MOMENTS = {
    "the folder is there": "edgeslm-probe-*",
    "the child begins": "edgeslm-probe-*/*",
    "a checkpoint is written": "**/model.safetensors",
    "a graph is written": "**/out/**/model.onnx*",
    "another graph is written": "**/deep/source/*",
}


class Probing:
    """A probe under way in a session of its own, as a terminal would start it."""

    def __init__(self, folder: Path) -> None:
        self.records, self.scratch = folder / "records", folder / "scratch"
        for place in (self.records, self.scratch):
            place.mkdir()
        (self.records / "here.json").write_bytes(EARLIER)
        places = {"EDGESLM_PROBES": str(self.records), "TMPDIR": str(self.scratch)}
        self.process: Process = subprocess.Popen(
            [sys.executable, "-c", COMMAND], env={**os.environ, **places}, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    def reached(self, files: str) -> bool:
        """Whether it has written files of that pattern; it must still be at it."""
        assert self.process.poll() is None, "it ended by itself"
        return any(self.scratch.glob(files))

    def members(self) -> list[int]:
        """Return the processes of its session that still run."""
        found = []
        for status in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):  # it ended meanwhile
                state, _parent, _group, session, *_ = status.read_text().rpartition(")")[2].split()
                if int(session) == self.process.pid and state != "Z":
                    found.append(int(status.parent.name))
        return found


@pytest.fixture
def probing(tmp_path: Path) -> Iterator[Probing]:
    found = Probing(tmp_path)
    try:
        yield found
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(found.process.pid, signal.SIGKILL)
        found.process.communicate()


def ctrl_c(process: Process) -> None:
    """Do what a terminal does: everybody in the foreground hears it."""
    os.killpg(process.pid, signal.SIGINT)


def ctrl_c_twice(process: Process) -> None:
    ctrl_c(process)
    ctrl_c(process)


def told_to_end(process: Process) -> None:
    """Do what `kill` does: only the process named hears it."""
    process.send_signal(signal.SIGTERM)


@pytest.mark.parametrize(
    ("moment", "interrupt"),
    [
        ("the folder is there", ctrl_c_twice),
        ("the child begins", told_to_end),
        ("a checkpoint is written", ctrl_c),
        ("a graph is written", told_to_end),
        ("another graph is written", ctrl_c),
    ],
)
def test_an_interrupted_probe_is_exit_130_and_leaves_what_was_there(
    probing: Probing, moment: str, interrupt: Callable[[Process], None]
) -> None:
    eventually(lambda: probing.reached(MOMENTS[moment]), moment)
    interrupt(probing.process)
    printed, story = probing.process.communicate(timeout=PATIENCE_S)
    assert probing.process.returncode == 130, story
    assert story.splitlines()[-1] == "interrupted; nothing was left half-written"
    assert printed == ""
    assert [path.name for path in probing.records.iterdir()] == ["here.json"]
    assert (probing.records / "here.json").read_bytes() == EARLIER
    assert list(probing.scratch.iterdir()) == []
    assert probing.members() == []


def test_the_child_of_a_probe_that_was_killed_ends_too(probing: Probing) -> None:
    eventually(lambda: probing.reached(MOMENTS["a checkpoint is written"]))
    assert len(probing.members()) == 2
    probing.process.kill()
    eventually(lambda: probing.members() == [], "the child ends with its parent")
    assert (probing.records / "here.json").read_bytes() == EARLIER
