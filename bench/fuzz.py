"""Coverage-guided fuzzing of every leaf for an hour on every core: parsers, an agent and a collector that stay alive.

Each process takes a new seed each quarter of an hour; the result is how much was tried, how far it reached, and what
broke.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path

from bench import machine
from bench.harness import RESULTS, SCHEMA
from support.fuzz import Finding, Outcome, fuzz
from support.fuzz_targets import SEEDS, WATCHED, Patient

TURN_S = 900.0


def main() -> int:
    """Fuzz, write the result; 1 when something broke."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    executions, findings, lines, turns = Counter[str](), list[Finding](), 0, 0
    end = time.monotonic() + 60 * options.minutes
    with ProcessPoolExecutor(options.processes) as pool:
        while (left := end - time.monotonic()) > 1.0:
            seeds = range(turns, turns + options.processes)
            for outcome in pool.map(_turn, seeds, repeat(min(left, TURN_S))):
                executions.update(outcome.executions)
                findings += outcome.findings
                lines, turns = max(lines, outcome.lines), turns + 1
            print(
                f"{turns}: {sum(executions.values())} executions, {lines} lines, {len(findings)} findings",
                file=sys.stderr,
            )
    file = RESULTS / machine.slug() / "fuzz.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "schema": SCHEMA, "bench": "fuzz", "machine": machine.describe(), "minutes": options.minutes,
        "processes": options.processes, "turns": turns,
        "executions": sum(executions.values()), "by_target": dict(executions), "lines_reached": lines,
        "findings": [
            {"target": one.target, "problem": one.problem, "payload": base64.b64encode(one.payload[:4096]).decode()}
            for one in findings
        ],
    }  # fmt: skip
    file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return 1 if findings else 0


def _turn(seed: int, seconds: float) -> Outcome:
    """Fuzz with one seed; whoever was fuzzed must be as healthy afterwards as before."""
    with tempfile.TemporaryDirectory(prefix="edgeslm-fuzz-") as folder:
        patient = Patient(Path(folder))
        outcome = fuzz(patient.targets(), SEEDS, WATCHED, seconds, seed)
        patient.check()
        return outcome


if __name__ == "__main__":
    sys.exit(main())
