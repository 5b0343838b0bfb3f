"""How long does an export take that learns from a text, GPTQ and AWQ, and how much anonymous memory?

Whole commands on random weights in SmolLM2-135M's shape, calibrated on 16,384 random words: time and memory follow from
shapes. What the algorithms are worth is measured in quantisation.py.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench import machine
from bench.checkpoint import SMOLLM2_135M
from bench.harness import Target, alternate, medians, publish, watch
from bench.models import edgeslm_command

if TYPE_CHECKING:
    from bench.harness import Figures

RECIPES = ("wi4b32-afp32-gptq", "wi4b32-afp32-awq")
WORDS, PARAGRAPH = 16_384, 512
LONGEST_S = 600.0


def main() -> None:
    """Measure both recipes `--rounds` times and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1, help="minutes each (default 1)")
    rounds = parser.parse_args().rounds
    idle = machine.idle_share()
    samples = alternate(RECIPES, _measure, rounds)
    middle = medians(samples)
    targets = [
        Target(f"{recipe}: wall time", middle[recipe]["wall_s"], LONGEST_S, at_least=False, unit=" s")
        for recipe in RECIPES
    ]
    versions = {"edgeslm": machine.versions_in(Path(sys.executable), "edgeslm", "onnx", "onnxruntime", "numpy")}
    publish("calibrated", samples, targets, versions, {"rounds": rounds, "idle_before": idle})


def _measure(recipe: str) -> Figures:
    with tempfile.TemporaryDirectory(prefix="edgeslm-bench-") as folder:
        text = Path(folder) / "words.txt"
        text.write_text(_words(), encoding="utf-8")
        return watch([*edgeslm_command(recipe, Path(folder) / "out"), "--calibration", text])


def _words() -> str:
    """Return words of the checkpoint's vocabulary in paragraphs."""
    ids = np.random.default_rng(SMOLLM2_135M.seed).integers(3, SMOLLM2_135M.vocab, WORDS)
    lines = (
        " ".join(f"w{number}" for number in ids[start : start + PARAGRAPH]) for start in range(0, WORDS, PARAGRAPH)
    )
    return "\n\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
