"""How much of a model does each way to quantise it lose, and in how many bytes?

On the built-in model and on the two that bench/shakespeare.py trains: KL divergence from fp32 in nats a token (mean and
99th percentile), how often the most likely token stays the same, the bytes of the weights' file and the bits of a
weight with everything that belongs to it. Judged on tasks and text that neither trained nor calibrated anything.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench import machine
from bench.environments import CACHE
from bench.harness import Target, medians, publish
from edgeslm.pack import assemble
from edgeslm.profiler.dataset import Dataset, read_text
from edgeslm.profiler.quality import evaluate, sequences
from edgeslm.source import calibration_beside, open_source
from edgeslm_agent.engine.session import Session
from edgeslm_exporters.calibrate import TOKENS
from edgeslm_exporters.export import convert
from edgeslm_exporters.recipe import parse_recipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.harness import Figures
    from edgeslm.source import Source

CONTEXT = 256
MIX = "wi4b32-afp32-di8b32-hi8b32"  # about six bits
RECIPES = (
    "fp16",
    "wi8-afp32",
    "wi8b32-afp32",
    MIX,
    *(f"w{form}-afp32{way}" for form in ("i4b32", "u4b32") for way in ("", "-search", "-hqq", "-awq", "-gptq")),
    *(f"wi4b32-afp32-{way}" for way in ("rot", "rotgptq")),
    *(f"wi4{block}-afp32{way}" for block in ("b64", "b128", "") for way in ("", "-gptq")),
)


@dataclass(frozen=True)
class Subject:
    """A model, what calibrates, and what judges."""

    name: str
    source: Source
    calibration: Dataset
    judged: Dataset


def subjects() -> list[Subject]:
    """Return the built-in model, and those of `make train-shakespeare`."""
    home = open_source(None)
    found = [Subject("home", home, *calibration_beside(home.label, None, None))]
    for size in ("5m", "12m"):
        folder = CACHE / f"shakespeare-{size}"
        if not (folder / "losses.json").is_file():
            raise SystemExit(f"{folder.name} is not trained yet: run `make train-shakespeare`")
        texts = read_text(folder / "training.txt"), read_text(folder / "held-out.txt")
        found.append(Subject(f"Shakespeare {size.upper()}", open_source(str(folder)), *texts))
    return found


def measure(subject: Subject, recipes: Sequence[str]) -> dict[str, list[Figures]]:
    """Export every recipe, and compare each with fp32."""
    checkpoint = subject.source.checkpoint
    with tempfile.TemporaryDirectory(prefix="edgeslm-bench-") as folder:
        with _exported(subject, "fp32", Path(folder) / "fp32", ()) as (_, reference):
            texts = [scored.token_ids for scored in sequences(reference, subject.calibration, TOKENS)]
            ...
    return {}
