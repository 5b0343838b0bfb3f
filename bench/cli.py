"""How long until the command line answers? Whole processes, beside an interpreter that does nothing."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench import machine
from bench.checkpoint import SMOLLM2_135M, random_checkpoint
from bench.harness import Target, alternate, medians, publish, watch
from bench.models import EDGESLM

BARE, HELP, PLAN = "python -c pass", "edgeslm --help", "edgeslm plan"
ROUNDS = 11


def main() -> None:
    """Measure every command `--rounds` times and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    idle = machine.idle_share()
    commands: dict[str, list[str | Path]] = {
        BARE: [sys.executable, "-c", "pass"],
        HELP: [EDGESLM, "--help"],
        PLAN: [EDGESLM, "plan", random_checkpoint(SMOLLM2_135M), "--device", "raspberry-pi-5"],
    }
    for command in commands.values():
        watch(command)  # compiled modules and warm file pages, as on any second call
    samples = alternate(list(commands), lambda side: {"wall_ms": 1000 * watch(commands[side])["wall_s"]}, rounds)
    middle = medians(samples)
    targets = [
        Target("edgeslm --help", middle[HELP]["wall_ms"], 150.0, at_least=False, unit=" ms"),
        Target("edgeslm plan", middle[PLAN]["wall_ms"], 1000.0, at_least=False, unit=" ms"),
    ]
    publish(
        "cli",
        samples,
        targets,
        {"edgeslm": machine.versions_in(Path(sys.executable), "edgeslm")},
        {"rounds": rounds, "idle_before": idle},
    )


if __name__ == "__main__":
    main()
