"""How every bench measures: sides in turn, fresh processes, medians, targets, one JSON file of results.

A bench names its sides and one function that measures a side once; `alternate` calls it round by round, starting each
round with another side, so that a slow minute of the machine meets all of them. `publish` writes
bench/results/<machine>/NAME.json and prints one line a target.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import machine
from bench.environments import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Figures = dict[str, float]

RESULTS = ROOT / "bench" / "results"
SCHEMA = "edgeslm.bench/1"
ROUNDS = 9
# As on a user's machine: Python keeps the bytecode of what it imported, ours (an editable install) as the peers' own.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
POLL_S = 0.005  # RssAnon has no high-water mark in the kernel, so it is sampled


@dataclass(frozen=True)
class Target:
    """A promise: `value` must be at least, or at most, `bound`."""

    name: str
    value: float
    bound: float
    at_least: bool
    unit: str = ""

    @property
    def met(self) -> bool:
        """Whether the promise holds."""
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def line(self) -> str:
        """Return the target in words, as in `met: decode / llama.cpp 1.04x (at least 1.00x)`."""
        direction = "at least" if self.at_least else "at most"
        verdict = "met" if self.met else "MISSED"
        return f"{verdict}: {self.name} {self.value:.2f}{self.unit} ({direction} {self.bound:.2f}{self.unit})"


def alternate(sides: Sequence[str], measure: Callable[[str], Figures], rounds: int) -> dict[str, list[Figures]]:
    """Measure every side once a round, `rounds` times; each round starts with another side."""
    samples: dict[str, list[Figures]] = {side: [] for side in sides}
    for number in range(rounds):
        turn = number % len(sides)
        for side in [*sides[turn:], *sides[:turn]]:
            figures = measure(side)
            samples[side].append(figures)
            shown = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
            sys.stderr.write(f"round {number + 1}/{rounds} {side}: {shown}\n")
    return samples


def medians(samples: dict[str, list[Figures]]) -> dict[str, Figures]:
    """Return the median of every figure of every side."""
    return {
        side: {name: statistics.median(figures[name] for figures in rounds) for name in rounds[0]}
        for side, rounds in samples.items()
    }


def publish(
    name: str,
    samples: dict[str, list[Figures]],
    targets: Sequence[Target],
    versions: dict[str, dict[str, str]],
    settings: dict[str, Any],
) -> None:
    """Write the results of one bench in one step, and print its targets."""
    middle = medians(samples)
    document = {
        "schema": SCHEMA,
        "bench": name,
        "machine": machine.describe(),
        "versions": versions,
        "settings": settings,
        "sides": {side: {"median": middle[side], "rounds": samples[side]} for side in samples},
        "targets": [{**asdict(target), "met": target.met} for target in targets],
    }
    path = RESULTS / machine.slug() / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".partial")
    temporary.write_text(json.dumps(_rounded(document), indent=1) + "\n", encoding="utf-8")
    temporary.replace(path)
    for target in targets:
        print(target.line())


def _rounded(value: Any) -> Any:  # noqa: ANN401  # any JSON value
    """Keep five significant digits: more would be noise in the history of a committed file."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


def ask(command: Sequence[str | Path]) -> Figures:
    """Run a side that measures itself, in a fresh process at the root; return the JSON object it prints last."""
    done = subprocess.run(
        [str(word) for word in command], check=False, capture_output=True, text=True, cwd=ROOT, env=ENVIRONMENT
    )
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{done.stderr[-2000:]}")
    figures: Figures = json.loads(done.stdout.strip().splitlines()[-1])
    return figures


def watch(command: Sequence[str | Path]) -> Figures:
    """Run a whole command; return its wall time and the peak anonymous memory of it and its children together."""
    peak = 0
    ended = threading.Event()

    def sample(pid: int) -> None:
        nonlocal peak
        while not ended.wait(POLL_S):
            peak = max(peak, sum(anonymous_bytes(member) for member in family(pid)))

    started = time.perf_counter()
    with subprocess.Popen(
        [str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=ROOT, env=ENVIRONMENT
    ) as process:
        sampler = threading.Thread(target=sample, args=(process.pid,))
        sampler.start()
        story = process.communicate()[1]
        wall = time.perf_counter() - started
        ended.set()
        sampler.join()
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{story.decode(errors='replace')[-2000:]}")
    return {"wall_s": wall, "peak_anonymous_mb": peak / 1e6}


def family(pid: int) -> list[int]:
    """Return a process and its descendants; those that end meanwhile are left out."""
    try:
        tasks = [int(task) for task in os.listdir(f"/proc/{pid}/task")]  # noqa: PTH208  # names alone, 200 times a second
        text = " ".join(Path(f"/proc/{pid}/task/{task}/children").read_text(encoding="ascii") for task in tasks)
    except OSError:
        return [pid]
    return [pid, *(member for child in text.split() for member in family(int(child)))]


def anonymous_bytes(pid: int) -> int:
    """Return RssAnon of one process, 0 when it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    _, found, rest = status.partition("RssAnon:")
    return int(rest.split(maxsplit=1)[0]) * 1024 if found else 0
