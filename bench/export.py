"""How long does an int4 export take, and how much anonymous memory, beside onnxruntime-genai's model builder?

Whole commands, from start to exit, on the same random checkpoints: SmolLM2-135M's shape (bf16) and TinyLlama-1.1B's
(fp16); and without the builder a mixture of eight small experts and a vocabulary of 262144, for the memory. That is the
peak of RssAnon over the command and its children, sampled every 5 ms: mapped files do not count, they can always be
dropped.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench import machine
from bench.checkpoint import EIGHT_EXPERTS, SMOLLM2_135M, TINYLLAMA_1B, WIDE_VOCABULARY, Shape, random_checkpoint
from bench.environments import peer_python
from bench.harness import ROUNDS, Target, alternate, medians, publish, watch
from bench.models import edgeslm_command, genai_command

if TYPE_CHECKING:
    from bench.harness import Figures

RECIPE = "wi4b32-afp32"


@dataclass(frozen=True)
class Trial:
    """What is promised of a shape: how much faster than the builder (None: not compared), and the peak in MB."""

    title: str
    shape: Shape
    faster: float | None
    peak_mb: float

    @property
    def ours(self) -> str:
        """Name of our side."""
        return f"{self.title}: edgeslm {RECIPE}"

    @property
    def peer(self) -> str:
        """Name of the builder's side."""
        return f"{self.title}: onnxruntime-genai builder int4"

    def targets(self, middle: dict[str, Figures]) -> list[Target]:
        """Return the promises beside the medians."""
        peak = middle[self.ours]["peak_anonymous_mb"]
        memory = Target(f"{self.title}: peak anonymous memory", peak, self.peak_mb, at_least=False, unit=" MB")
        if self.faster is None:
            return [memory]
        ratio = middle[self.peer]["wall_s"] / middle[self.ours]["wall_s"]
        speed = Target(f"{self.title}: wall time, builder / ours", ratio, self.faster, at_least=True, unit="x")
        return [speed, memory]


TRIALS = (
    Trial("135M", SMOLLM2_135M, 8.0, 250.0),
    Trial("1.1B", TINYLLAMA_1B, 5.0, 400.0),
    Trial("8 experts", EIGHT_EXPERTS, None, 400.0),
    Trial("vocabulary 262144", WIDE_VOCABULARY, None, 400.0),
)


def main() -> None:
    """Measure every side `--rounds` times and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    for trial in TRIALS:
        random_checkpoint(trial.shape)
    idle = machine.idle_share()
    os.environ["HF_HUB_OFFLINE"] = "1"  # the builder would ask the hub about a local folder
    sides = {side: trial for trial in TRIALS for side in (trial.ours, trial.peer)}
    compared = [side for side, trial in sides.items() if side == trial.ours or trial.faster is not None]
    samples = alternate(compared, lambda side: _measure(sides[side], ours=side == sides[side].ours), rounds)
    middle = medians(samples)
    targets = [target for trial in TRIALS for target in trial.targets(middle)]
    versions = {
        "edgeslm": machine.versions_in(Path(sys.executable), "edgeslm", "onnx", "onnxruntime", "numpy"),
        "onnxruntime-genai": machine.versions_in(
            peer_python("onnxruntime-genai"), "onnxruntime-genai", "onnxruntime", "torch", "transformers"
        ),
    }
    publish("export", samples, targets, versions, {"rounds": rounds, "idle_before": idle})


def _measure(trial: Trial, *, ours: bool) -> Figures:
    with tempfile.TemporaryDirectory(prefix="edgeslm-bench-") as folder:
        out = Path(folder) / "out"
        return watch(edgeslm_command(RECIPE, out, trial.shape) if ours else genai_command(out, trial.shape))


if __name__ == "__main__":
    main()
