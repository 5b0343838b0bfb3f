"""Measures a bundle's speed and memory on this machine, with the engine the device uses, in a process of its own.

A fresh process makes the peak resident set size the bundle's own and not the exporter's. Run as a module, this file is
that process: it takes the bundle's path and prints one JSON object.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgeslm_agent.errors import EnvironmentProblem

if TYPE_CHECKING:
    from edgeslm_agent.bundle import Bundle

ROUNDS = 5
TIMEOUT_S = 600


@dataclass(frozen=True)
class Measurement:
    """Medians of several rounds: seconds, tokens a second, bytes. `on` names the machine.

    `runtime` is what ran it (`onnxruntime 1.31.1`): figures of two versions do not compare.
    """

    on: str
    runtime: str
    text: str
    token_ids: tuple[int, ...]
    prompt_tokens: int
    first_token_s: float
    prefill_tps: float
    decode_tps: float
    load_s: float
    peak_rss_bytes: int


def measure(path: Path, on: str = "host") -> Measurement:
    """Measure the bundle at `path` in a child process.

    Raises EnvironmentProblem when the child dies or takes more than ten minutes, naming its last words.
    """
    observed = json.loads(run_child("edgeslm.profiler.measure", path))
    return Measurement(on=on, **{**observed, "token_ids": tuple(observed["token_ids"])})


def run_child(module: str, path: Path) -> str:
    """Run a module on the bundle at `path` in a fresh interpreter and return what it printed.

    Raises EnvironmentProblem when it dies or takes more than ten minutes, naming its last words.
    """
    command = [sys.executable, "-m", module, str(path)]
    try:
        child = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise EnvironmentProblem(
            f"measuring {path.name} took more than {TIMEOUT_S} s", "try a smaller model"
        ) from error
    if child.returncode != 0:
        last = (child.stderr.strip().splitlines() or ["it said nothing"])[-1]
        how = f"signal {-child.returncode}" if child.returncode < 0 else f"exit code {child.returncode}"
        raise EnvironmentProblem(
            f"measuring {path.name} ended with {how}: {last}",
            "signal 9 means out of memory; `edgeslm doctor` shows more",
        )
    return child.stdout


def observe(bundle: Bundle) -> dict[str, object]:
    """Load the bundle in this process, run several rounds and return the figures of `Measurement` without `on`."""
    from edgeslm_agent.engine.generation import Generation
    from edgeslm_agent.engine.session import Session
    from edgeslm_agent.engine.workload import workload
    from edgeslm_agent.host import peak_rss_bytes

    with Session.open(bundle) as session:
        work = workload(bundle.manifest.decoder.vocab_size, bundle.manifest.context)
        options = Generation(max_tokens=work.new_tokens, temperature=0.0, ignore_stop=True)
        rounds = [session.complete(work.prompt, options) for _ in range(ROUNDS + 1)][1:]  # the first warms up
        return {
            "runtime": loaded_runtime(bundle.manifest.runtime.name),
            "text": rounds[0].text,
            "token_ids": list(rounds[0].token_ids),
            "prompt_tokens": len(work.prompt),
            "first_token_s": statistics.median(r.figures.first_token_s for r in rounds),
            "prefill_tps": statistics.median(r.figures.prefill_tps for r in rounds),
            "decode_tps": statistics.median(r.figures.decode_tps or 0.0 for r in rounds),
            "load_s": session.load_s,
            "peak_rss_bytes": peak_rss_bytes(),
        }


def loaded_runtime(distribution: str) -> str:
    """Return the runtime that this process has loaded, by its import name as agents report it, with its version."""
    package = distribution.replace("-", "_")
    return f"{package} {sys.modules[package].__version__}"


if __name__ == "__main__":
    from edgeslm_agent.bundle import open_bundle

    sys.stdout.write(json.dumps(observe(open_bundle(Path(sys.argv[1]), verify=False))))
