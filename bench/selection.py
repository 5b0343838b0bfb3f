"""How long does a choice among 5,000 candidates take: reasons, order, Pareto front, and the price of every bound?

Figures are drawn at random around those of the built-in model's plan; one process, `--rounds` rounds, in turn with an
empty choice.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from bench import machine
from bench.harness import ROUNDS, Target, alternate, medians, publish
from edgeslm import catalog
from edgeslm.planning import plan
from edgeslm.profiler.aim import Aim, Limits
from edgeslm.profiler.contender import Contender, QualityEvidence
from edgeslm.profiler.select import select
from edgeslm.profiler.task import Task

if TYPE_CHECKING:
    from bench.harness import Figures
    from edgeslm.profiler.figure import Figure

BOARD, COUNT, MOST_MS = "raspberry-pi-5", 5000, 100
MANY, NONE = "5,000 candidates", "none"


def main() -> None:
    """Choose `--rounds` times and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    idle, profile = machine.idle_share(), catalog.device(BOARD)
    sides = {MANY: contenders(COUNT), NONE: []}
    aim = Aim("speed", Task(100, 60), Limits(memory_bytes=1e9, decode_tps=3))

    def choose(side: str) -> Figures:
        began = time.perf_counter()
        select(sides[side], profile, aim)
        return {"wall_ms": 1000 * (time.perf_counter() - began)}

    samples = alternate(list(sides), choose, rounds)
    targets = [Target(MANY, medians(samples)[MANY]["wall_ms"], MOST_MS, at_least=False, unit=" ms")]
    versions = {"edgeslm": machine.versions_in(Path(sys.executable), "edgeslm")}
    publish("selection", samples, targets, versions, {"board": BOARD, "rounds": rounds, "idle_before": idle})


def contenders(count: int) -> list[Contender]:
    """Return contenders with figures drawn at random, each with a measured divergence; a third pass no gate."""
    random, first = Random(5), plan(device=BOARD).candidates[0]
    found = []
    for index in range(count):
        estimate = replace(
            first.estimate,
            peak_bytes=_drawn(first.estimate.peak_bytes, random.uniform(1, 40)),
            decode_tps=_drawn(first.estimate.decode_tps, random.uniform(0.002, 0.02)),
            first_token_s=_drawn(first.estimate.first_token_s, random.uniform(10, 500)),
        )
        candidate = replace(first, variant=f"v{index}", weight_error=random.uniform(0, 0.1), estimate=estimate)
        kld = random.uniform(0, 0.075)
        quality = QualityEvidence("passed" if kld <= 0.05 else "failed", "balanced", (), kld)
        found.append(Contender(candidate, quality=quality))
    return found


def _drawn(figure: Figure, factor: float) -> Figure:
    return figure.scaled(factor, figure.unit)


if __name__ == "__main__":
    main()
