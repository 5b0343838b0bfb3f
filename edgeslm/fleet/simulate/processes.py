"""The other processes of a simulation: started, asked over a pipe, and what each of them used of the machine."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeslm_agent.errors import EnvironmentProblem

if TYPE_CHECKING:
    from collections.abc import Callable

_ANSWER_S = 120.0
_STOP_S = 10.0
_TICK_S = 1.0 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """What a process used so far: seconds of processor, and bytes resident now; zeros when it is gone."""

    cpu_s: float = 0.0
    rss_bytes: int = 0


def usage(pid: int) -> Usage:
    """Return what a process used so far."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return Usage()
    return Usage((int(words[11]) + int(words[12])) * _TICK_S, int(words[21]) * os.sysconf("SC_PAGE_SIZE"))


class Child:
    """A process of ours that answers over a pipe. Raises EnvironmentProblem when it does not."""

    def __init__(self, name: str, main: Callable[..., None], *arguments: object) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would share locks and sockets
        self._name = name
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=main, args=(*arguments, theirs), name=name, daemon=True)
        self._process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid or 0

    def tell(self, word: str, value: object = None) -> None:
        """Send an order."""
        try:
            self._pipe.send((word, value))
        except OSError as error:
            raise self._gone() from error

    def stop(self) -> None:
        """End it."""
        with contextlib.suppress(OSError):
            self._pipe.send(("stop", None))
        self._process.join(_STOP_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def answer(self) -> Any:  # noqa: ANN401  # what the process says
        """Return the next thing it says: a greeting, then one answer an order."""
        try:
            if self._pipe.poll(_ANSWER_S):
                return self._pipe.recv()
        except (EOFError, OSError) as error:
            raise self._gone() from error
        raise EnvironmentProblem(f"{self._name} did not answer in {_ANSWER_S:g} s", "simulate fewer devices")

    def _gone(self) -> EnvironmentProblem:
        return EnvironmentProblem(f"{self._name} ended", "see what it wrote to stderr; is there enough memory?")


class CollectorProcess:
    """`edgeslm fleet collect`, as an operator runs it."""

    def __init__(self, broker: str, database: Path) -> None:
        command = [sys.executable, "-m", "edgeslm", "fleet", "collect", "--json"]
        command += ["--broker", broker, "--db", str(database)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line or json.loads(line).get("state") != "ready":
            self.stop()
            raise EnvironmentProblem("the collector did not start", f"run it by hand to see why: {' '.join(command)}")

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def stop(self) -> None:
        """SIGTERM: what it took is committed."""
        self._process.terminate()
        self._process.communicate(timeout=_ANSWER_S)
