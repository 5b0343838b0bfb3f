"""Takes a probe: child processes for one form after the other, within a budget, and a record of what they printed."""

from __future__ import annotations

import json
import platform
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from edgeslm.profiler.probe.children import run_in_folder, workplace
from edgeslm.profiler.probe.record import Record, Row, absurd
from edgeslm_agent.errors import EnvironmentProblem, MissingExtra
from edgeslm_agent.host import read_host
from edgeslm_agent.host.caches import last_cache_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from edgeslm.profiler.probe.children import Workplace

BUDGET_S = 90.0
# Through all forms: somebody else's work slows some seconds of one of them, and the faster time counts. Every other one
# begins with one thread: a child of a slow machine has time for the passes of one number of threads.
ROUNDS = 2
CLOSING_S = 4.0  # kept for the last pass of a child that is late
PACKAGES = {"onnx": "onnxruntime", "tflite": "ai-edge-litert"}
# The forms that recipes are made of, the most used first; others are predicted from those of their kind.
FORMS = (
    ("onnx", "wi4b32-afp32"),
    ("onnx", "wi8-afp32"),
    ("tflite", "wi4b32-afp32"),
    ("onnx", "fp32"),
    ("tflite", "wi8-afp32"),
    ("onnx", "wi4b128-afp32"),
    ("tflite", "fp32"),
    ("onnx", "wi8b32-afp32"),
)
_HINT = "close what else runs on this machine, and take it again: edgeslm measure --probe"


@dataclass(frozen=True)
class Turn:
    """One child: the form it times, and with how many threads, in this order."""

    form: str
    recipe: str
    threads: tuple[int, ...]


@dataclass
class _Seen:
    """What children printed so far: of a pass that was timed twice the faster."""

    rows: dict[Row, Row] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


def probe(device: str, *, budget_s: float = BUDGET_S, advance: Callable[[int], None] | None = None) -> Record:
    """Probe this machine, whose measurements shall count for the profile `device`.

    Raises MissingExtra without a runtime, EnvironmentProblem when too little could be timed or what was timed cannot
    be. Interrupted, it leaves neither a file nor a process: the caller writes the record once it is there.
    """
    began = time.monotonic()
    versions = dict(_installed())
    if not versions:
        raise MissingExtra("there is no runtime to probe", 'pip install "edgeslm[ort]"')
    orders = [thread_counts()[:: (-1) ** number] for number in range(ROUNDS)]
    turns = [Turn(form, recipe, threads) for threads in orders for form, recipe in FORMS if form in versions]
    seen = _Seen()
    with workplace() as place:
        for number, turn in enumerate(turns):
            if place.interrupted():
                break
            left = budget_s - CLOSING_S - (time.monotonic() - began)
            if left <= 0:
                seen.missing.append(f"{turn.form} {turn.recipe}: the {budget_s:.0f} s were over")
            else:
                _time_form(turn, left / (len(turns) - number), place, seen)
            (advance or (lambda _by: None))(1)
    record = Record(
        device=device,
        on=read_host().cpu or platform.machine(),
        versions=tuple(sorted((PACKAGES[form], found) for form, found in versions.items())),
        taken=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        cache_bytes=last_cache_bytes(),
        seconds=round(time.monotonic() - began, 1),
        rows=tuple(seen.rows.values()),
        missing=tuple(seen.missing),
    )
    if problems := list(absurd(record)):
        raise EnvironmentProblem(f"the probe cannot be right: {'; '.join([*problems[:3], *seen.missing[:3]])}", _HINT)
    return record


def turn_count() -> int:
    """Return how often a probe of this machine times a form."""
    versions = dict(_installed())
    return ROUNDS * sum(form in versions for form, _ in FORMS)


def thread_counts() -> tuple[int, ...]:
    """Return the numbers of threads to time: as many as an engine uses here, and one."""
    most = read_host().default_threads
    return (most, 1) if most > 1 else (1,)


def _installed() -> Iterator[tuple[str, str]]:
    for form, package in PACKAGES.items():
        with suppress(PackageNotFoundError):
            yield form, version(package)


def worker_command(turn: Turn, seconds: float, folder: str) -> list[str]:
    """Return what starts the child of a turn in an empty folder."""
    words = [sys.executable, "-m", "edgeslm.profiler.probe.worker", turn.form, turn.recipe, f"{seconds:.1f}", folder]
    return [*words, *map(str, turn.threads)]


def _time_form(turn: Turn, seconds: float, place: Workplace, seen: _Seen) -> None:
    """Run one child, and keep the rows of whatever it printed before it ended or was ended."""
    ended = run_in_folder(partial(worker_command, turn, seconds), seconds + CLOSING_S, place)
    found = _rows(ended.said)
    for row in found:
        seen.rows[row.work] = min(row, seen.rows.get(row.work, row), key=lambda one: one.seconds)
    if ended.code != 0:
        last = (ended.complained.strip().splitlines() or ["it said nothing"])[-1]
        how = f"signal {-ended.code}" if ended.code < 0 else last
        seen.missing.append(f"{turn.form} {turn.recipe}: ended after {len(found)} passes with {how}")


def _rows(lines: str) -> Sequence[Row]:
    """Return the rows of whole lines; a line that was cut off is no row."""
    found = []
    for line in lines.splitlines():
        with suppress(ValueError, TypeError, AttributeError):
            found.append(Row.of(json.loads(line)))
    return found
