"""How far off are times that are predicted from a probe of this machine?

In each of three sessions: takes a probe (`edgeslm measure --probe`: random graphs of its own, at most 90 s), then times
bundles that the probe never saw: five models in every form, several threads, chunks and lengths of prompt, each read
and decoded by the agent's engine. Predicted are the time to the first token and that of a decoding step; all sessions
count together, for what a shared machine does in one quarter of an hour is off in one direction. Probes and times are
kept with the results: `--again` measures nothing and predicts this machine's last run anew, from its probes. What
today's predictions make of the runs of other machines is printed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench import machine
from bench.environments import ROOT
from bench.harness import ENVIRONMENT, RESULTS, Target, publish
from bench.memory import Cell, bundle_of
from bench.sides.speed_side import DECODE_TOKENS
from edgeslm.profiler.passes import prompt_passes, step_pass
from edgeslm.profiler.probe.record import Record, read_record, write_record
from edgeslm.profiler.probe.session import probe
from edgeslm.profiler.reach import time_of
from edgeslm_agent.host import read_host

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.harness import Figures

MODELS = ("tiny", "narrow", "middle", "wide", "135m")
FORMS = {
    "onnx": ("fp32", "wi8-afp32", "wi4b32-afp32", "wi4b128-afp32"),
    "tflite": ("fp32", "wi8-afp32", "wi4b32-afp32"),
}
CONTEXT = 2048
SESSIONS = 3
ROUNDS = 3  # of a session, some minutes apart: the machine is shared, and a median belongs to no minute
RECORD, TIMES = "record.json", "times.json"
KEPT = "probes"  # the folder of a machine's results with the record and the times of each session
FIRST_TOKEN, STEP = "first token", "decoding step"


@dataclass(frozen=True)
class Timed:
    """One time as measured and as predicted, in seconds."""

    what: str
    cell: str
    measured: float
    predicted: float
    low: float
    high: float

    @property
    def error(self) -> float:
        """The absolute error in per cent."""
        return 100 * abs(self.predicted / self.measured - 1)

    @property
    def inside(self) -> bool:
        """Whether the range holds what was measured."""
        return self.low <= self.measured <= self.high


@dataclass(frozen=True)
class Sitting:
    """A probe, and what was timed after it: by variant, what each round gave for each setting."""

    record: Record
    idle_before: float
    rounds: dict[str, list[list[dict[str, Any]]]]

    def compared(self, variants: Sequence[Cell]) -> list[Timed]:
        """Return every time beside its prediction."""
        return [
            one for variant in variants for setting in zip(*self.rounds[variant.name], strict=True)
            for one in _compared(variant, setting, self.record)
        ]  # fmt: skip


def main() -> None:
    """Probe, measure, compare, publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--again", action="store_true", help="compare kept times with today's predictions")
    again = parser.parse_args().again
    variants = list(_variants())
    kept = RESULTS / machine.slug() / KEPT
    if not again:
        if kept.is_dir():
            shutil.rmtree(kept)
        for number in range(SESSIONS):
            _sit(kept / str(number + 1), variants)
    for folder in sorted(set(RESULTS.glob(f"*/{KEPT}")) - {kept}):
        there = _figures([one for sitting in _sittings(folder) for one in sitting.compared(variants)])
        print(f"{folder.parent.name}: {there['median_error']:.1f} % off, {there['in_range']:.1f} % in the range")
    if not kept.is_dir():
        raise SystemExit(f"{kept} has no run of this machine: run without --again")
    sittings = _sittings(kept)
    apart = [sitting.compared(variants) for sitting in sittings]
    found = [one for members in apart for one in members]
    samples = {f"{form}: {what}": [_figures(members)] for form, what, members in _groups(found)}
    samples |= {f"session {number}": [_figures(members)] for number, members in enumerate(apart, 1)}
    everything = _figures(found)
    targets = [
        Target("median error", everything["median_error"], 12, at_least=False, unit=" %"),
        Target("in the 90 % range", everything["in_range"], 85, at_least=True, unit=" %"),
        Target("in the 90 % range", everything["in_range"], 95, at_least=False, unit=" %"),
        Target("the probe itself", max(sitting.record.seconds for sitting in sittings), 90, at_least=False, unit=" s"),
    ]
    versions = machine.versions_in(Path(sys.executable), "edgeslm", "onnxruntime", "ai-edge-litert", "numpy")
    settings = {
        "rounds": ROUNDS, "sessions": len(sittings), "idle_before": min(sitting.idle_before for sitting in sittings),
        "context": CONTEXT, "rows_of_the_probe": len(sittings[0].record.rows),
        "cells": {f"session {number}": _cells(members) for number, members in enumerate(apart, 1)},
    }  # fmt: skip
    publish("probe", {"all": [everything], **samples}, targets, {"edgeslm": versions}, settings)


def _sit(folder: Path, variants: Sequence[Cell]) -> None:
    """Take a probe, time the variants after it, and keep both."""
    folder.mkdir(parents=True, exist_ok=True)
    idle = machine.idle_share()
    write_record(probe("here"), folder / RECORD)
    (folder / TIMES).write_text(json.dumps({"idle_before": idle, "rounds": _measured(variants)}), encoding="utf-8")


def _sittings(folder: Path) -> list[Sitting]:
    return [_kept(session) for session in sorted(folder.iterdir())]


def _kept(folder: Path) -> Sitting:
    record = read_record(folder / RECORD)
    assert record is not None, f"{folder} has no probe: run without --again"
    return Sitting(record, **json.loads((folder / TIMES).read_text(encoding="utf-8")))


def _variants() -> Iterator[Cell]:
    for model in MODELS:
        for form, recipes in FORMS.items():
            yield from (Cell(model, form, recipe, CONTEXT, 0) for recipe in recipes)


def _settings(variant: Cell) -> list[str]:
    """Return THREADS:CHUNK:PROMPT in three settings a variant, which change from one to the next."""
    most = read_host().default_threads
    turn = sum(map(ord, variant.name))
    lengths, chunks = (48, 200, 700, 1500), (128, 32, 64 if variant.format == "onnx" else 8)
    return [
        f"{most}:128:{lengths[turn % 4]}",
        f"{most}:{chunks[turn % 3]}:{lengths[(turn + 1) % 3]}",
        f"1:{chunks[(turn + 1) % 3]}:{lengths[(turn + 2) % 3]}",
    ]


def _measured(variants: Sequence[Cell]) -> dict[str, list[list[dict[str, Any]]]]:
    """Time all variants in every round; return what each round gave for each setting, by variant."""
    rounds: dict[Cell, list[list[dict[str, Any]]]] = {variant: [] for variant in variants}
    for number in range(ROUNDS):
        for variant, seen in rounds.items():
            side: list[str | Path] = [sys.executable, "-m", "bench.sides.speed_side", bundle_of(variant)]
            seen.append(_asked([*side, *_settings(variant)]))
            print(f"round {number + 1} of {ROUNDS}: {variant.name}", file=sys.stderr, flush=True)
    return {variant.name: seen for variant, seen in rounds.items()}


def _compared(variant: Cell, setting: Sequence[dict[str, Any]], record: Record) -> Iterator[Timed]:
    """Yield both times of one setting."""
    places, (threads, chunk, prompt) = variant.layout(), (setting[0][name] for name in ("threads", "chunk", "prompt"))
    cell = f"{variant.model} {variant.format} {variant.recipe} threads {threads} chunk {chunk} prompt {prompt}"
    wanted = {
        FIRST_TOKEN: (prompt_passes(places, prompt, chunk), "first_token_s"),
        STEP: (step_pass(places, prompt + DECODE_TOKENS / 2), "step_s"),
    }
    for what, (passes, figure) in wanted.items():
        one = time_of(record, places, passes, threads, variant.model)
        measured = statistics.median(seen[figure] for seen in setting)
        yield Timed(what, cell, measured, one.seconds, one.low, one.high)


def _asked(command: Sequence[str | Path]) -> list[dict[str, Any]]:
    words = [str(word) for word in command]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=ENVIRONMENT)
    found: list[dict[str, Any]] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _groups(found: Sequence[Timed]) -> Iterator[tuple[str, str, list[Timed]]]:
    for form in FORMS:
        for what in (FIRST_TOKEN, STEP):
            members = [one for one in found if one.what == what and f" {form} " in one.cell]
            if members:
                yield form, what, members


def _figures(found: Sequence[Timed]) -> Figures:
    errors = [one.error for one in found]
    return {
        "times": len(found),
        "median_error": statistics.median(errors),
        "worst_tenth": float(np.quantile(errors, 0.9)),
        "in_range": 100 * statistics.mean(one.inside for one in found),
    }


def _cells(found: Sequence[Timed]) -> dict[str, list[float]]:
    """Return measured, predicted, low and high of every time in milliseconds."""
    return {
        f"{one.cell}: {one.what}": [1e3 * s for s in (one.measured, one.predicted, one.low, one.high)] for one in found
    }


if __name__ == "__main__":
    main()
