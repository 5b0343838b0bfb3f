"""Does a bundle live within the memory that its plan allows it?

Random variants, contexts, chunks and prompts, each run in a memory cgroup (version 1) of its own whose limit is the
upper bound of the prediction for that run. Counted are the processes that the kernel killed (SIGKILL), and how much of
the bound was needed: the most anonymous memory (`rss` of memory.stat, sampled) plus what must stay mapped: XNNPACK's
packed weights (shared memory), the code of libraries that answering reads, and pages that the embedding read.

As root only, where /sys/fs/cgroup/memory is writable: elsewhere it fails and says so.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench import machine
from bench.environments import ROOT
from bench.harness import ENVIRONMENT, Target, publish
from bench.memory import CACHES, HOME, ONNX, SHAPES, TFLITE, Cell, bundle_of
from bench.sides.memory_side import DECODE_TOKENS
from edgeslm.profiler.memory import footprint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgeslm.profiler.memory import Footprint

CGROUPS = Path("/sys/fs/cgroup/memory")
RUNS, SEED = 300, 5
MODELS = (HOME, *(name for name in SHAPES if name not in ("wide", "untied")))
CONTEXTS, CHUNKS = (256, 512, 1024, 2048), (8, 32, 64, 128, 256)
# what answering reads of Python, numpy, tokenizers and the runtime, resident after 60 tokens (smaps, unchanged pages)
LIBRARIES = {"onnx": 16 * 2**20, "tflite": 12 * 2**20}
SAMPLE_S = 0.01
MB = 2**20


@dataclass(frozen=True)
class Run:
    """One run: a variant, its chunk in `cell`, and the tokens of its prompt."""

    cell: Cell
    prompt: int

    @property
    def parts(self) -> Footprint:
        """What the prediction makes of it."""
        return footprint(self.cell.layout(), self.prompt + DECODE_TOKENS, self.cell.chunk)


@dataclass(frozen=True)
class Outcome:
    """How a run ended, the bound it had, and what it needed, in bytes; `refused` counts how often it hit the bound."""

    status: int
    bound: float
    anonymous: float
    mapped: float
    refused: int

    @property
    def killed(self) -> bool:
        """Whether the kernel killed it."""
        return self.status == -signal.SIGKILL

    @property
    def share(self) -> float:
        """The part of the bound that was needed, in per cent."""
        return 100 * (self.anonymous + self.mapped) / self.bound


def main() -> None:
    """Run and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=RUNS, help="fewer than 300 publish nothing")
    count = parser.parse_args().runs
    if not os.access(CGROUPS, os.W_OK):
        raise SystemExit(f"{CGROUPS} is not writable: run as root on a machine with memory cgroups of version 1")
    found = []
    for number, run in enumerate(runs(count), 1):
        found.append(outcome(run))
        last = found[-1]
        said = f"{last.bound / MB:.0f} MiB, {last.share:.0f} % needed, {'KILLED' if last.killed else last.status}"
        print(f"{number}/{count} {run.cell.name} prompt {run.prompt}: {said}", file=sys.stderr, flush=True)
    targets = _targets(found)
    if count < RUNS:
        print("\n".join(target.line() for target in targets))
        return
    figures = {
        "runs": float(len(found)),
        "killed": float(sum(one.killed for one in found)),
        "at_the_bound": float(sum(one.refused > 0 for one in found)),
        "anonymous_percent": statistics.median(100 * one.anonymous / one.bound for one in found),
        "needed_percent": statistics.median(one.share for one in found),
    }
    versions = machine.versions_in(Path(sys.executable), "edgeslm", "onnxruntime", "ai-edge-litert", "numpy")
    publish("cgroup", {"random runs": [figures]}, targets, {"edgeslm": versions}, {"seed": SEED})


def runs(count: int) -> Iterator[Run]:
    """Draw runs, the same for the same count; prompts fill between a tenth and nine tenths of a context."""
    draw = random.Random(SEED)
    for _ in range(count):
        model, form = draw.choice(MODELS), draw.choice(("onnx", "tflite"))
        recipe = draw.choice((*ONNX, *CACHES) if form == "onnx" else TFLITE)
        context = 256 if model == HOME else draw.choice(CONTEXTS)
        cell = Cell(model, form, recipe, context, draw.choice(CHUNKS))
        yield Run(cell, int(draw.uniform(0.1, 0.9) * context))


def outcome(run: Run, limit: float | None = None) -> Outcome:
    """Run one in a cgroup whose limit in bytes is the upper end of its prediction, unless another is given.

    Raises SystemExit when it ends otherwise than well or killed.
    """
    parts = run.parts
    bound = int(limit or parts.end(1).peak) // 4096 * 4096
    bundle = bundle_of(Cell(run.cell.model, run.cell.format, run.cell.recipe, run.cell.context, 0))
    words = [sys.executable, "-m", "bench.sides.memory_side", bundle, str(run.cell.chunk), str(run.prompt)]
    with _limited(bound) as group:
        entered = f'echo $$ > {group}/cgroup.procs && exec "$@"'
        child = subprocess.Popen(
            ["/bin/sh", "-c", entered, "sh", *map(str, words)],
            cwd=ROOT,
            env=ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        anonymous = shared = 0
        while child.poll() is None:
            facts = _statistics(group)
            anonymous, shared = max(anonymous, facts.get("rss", 0)), max(shared, facts.get("shmem", 0))
            time.sleep(SAMPLE_S)
        _, complained = child.communicate()
        if child.returncode not in (0, -signal.SIGKILL):
            raise SystemExit(f"{run.cell.name} ended with {child.returncode}:\n{complained.decode()[-1000:]}")
        refused = int((group / "memory.failcnt").read_text())
    return Outcome(child.returncode, bound, anonymous, shared + LIBRARIES[run.cell.format] + parts.mapped, refused)


@contextmanager
def _limited(limit: int) -> Iterator[Path]:
    """Yield a memory cgroup of its own, removed afterwards."""
    group = CGROUPS / f"edgeslm-bench-{os.getpid()}"
    group.mkdir()
    try:
        (group / "memory.limit_in_bytes").write_text(str(limit))
        yield group
    finally:
        for _ in range(100):  # the kernel needs a moment to see that its last process is gone
            try:
                group.rmdir()
                break
            except OSError:
                time.sleep(0.05)


def _statistics(group: Path) -> dict[str, int]:
    lines = (group / "memory.stat").read_text().splitlines()
    return {name: int(value) for name, value in (line.split() for line in lines)}


def _targets(found: list[Outcome]) -> list[Target]:
    return [
        Target(f"killed in {len(found)} runs", sum(one.killed for one in found), 0, at_least=False),
        Target(
            "needed of the bound, median", statistics.median(one.share for one in found), 85, at_least=True, unit=" %"
        ),
    ]


if __name__ == "__main__":
    main()
