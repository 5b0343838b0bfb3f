"""How much of a model does each way to quantise it lose, and in how many bytes?

On the built-in model and on the two that bench/shakespeare.py trains: KL divergence from fp32 in nats a token (mean and
99th percentile), how often the most likely token stays the same, the bytes of the weights' file and the bits of a
weight with everything that belongs to it. Judged on tasks and text that neither trained nor calibrated anything.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench import machine
from bench.environments import CACHE
from bench.harness import Target, publish
from edgeslm.pack import assemble
from edgeslm.profiler.dataset import Dataset, read_text
from edgeslm.profiler.quality import compare_all, sequences
from edgeslm.source import calibration_beside, open_source
from edgeslm_agent.engine.session import Session
from edgeslm_exporters.calibrate import TOKENS
from edgeslm_exporters.export import convert
from edgeslm_exporters.recipe import parse_recipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.harness import Figures
    from edgeslm.source import Source
    from edgeslm_exporters.export import Artifact

CONTEXT = 256
FOUR_BITS = "wi4b32-afp32"
BY_ROWS = "wi4-afp32"
MIX = f"{FOUR_BITS}-di8b32-hi8b32"  # about six bits
RECIPES = (
    "fp16",
    "wi8-afp32",
    "wi8b32-afp32",
    MIX,
    *(FOUR_BITS + way for way in ("", "-search", "-hqq", "-awq", "-gptq", "-rot", "-rotgptq")),
    *(f"wu4b32-afp32{way}" for way in ("", "-hqq", "-gptq")),
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


def measure(subject: Subject, recipes: Sequence[str]) -> dict[str, Figures]:
    """Export every recipe, and compare each with fp32."""
    with tempfile.TemporaryDirectory(prefix="edgeslm-bench-") as folder, ExitStack() as stack:
        reference, _ = _opened(stack, subject, "fp32", Path(folder) / "fp32", ())
        texts = [scored.token_ids for scored in sequences(reference, subject.calibration, TOKENS)]
        judged = list(sequences(reference, subject.judged))
        found = {}
        for recipe in recipes:
            with ExitStack() as trial:
                candidate, artifact = _opened(trial, subject, recipe, Path(folder) / recipe, texts)
                divergence, agreement, _ = compare_all(candidate, reference, judged)
            found[recipe] = {
                "kld_mean": float(divergence.mean()),
                "kld_p99": float(np.quantile(divergence, 0.99)),
                "top1_percent": 100 * float(agreement.mean()),
                "weights_kb": artifact.layout.weights_bytes / 1e3,
                "bits_a_weight": artifact.layout.effective_bits,
            }
            sys.stderr.write(f"{subject.name} {recipe}: {found[recipe]['kld_mean']:.5f} nats\n")
    return found


def _opened(
    stack: ExitStack, subject: Subject, recipe: str, folder: Path, texts: Sequence[Sequence[int]]
) -> tuple[Session, Artifact]:
    """Export a recipe and open it; the stack closes it."""
    checkpoint = subject.source.checkpoint
    folder.mkdir()
    artifact = convert(checkpoint, parse_recipe(recipe), CONTEXT, folder, calibration=texts)
    bundle = assemble(folder, checkpoint, subject.source.label, artifact, f"{checkpoint.name}_{recipe}")
    return stack.enter_context(Session.open(bundle, check_probe=False)), artifact


def targets(name: str, found: dict[str, Figures]) -> list[Target]:
    """Return the published orderings as promises: each ratio of mean KL is below one."""
    kld = {recipe: figures["kld_mean"] for recipe, figures in found.items()}
    ordered = [("wi8-afp32", MIX), (MIX, FOUR_BITS), (FOUR_BITS, BY_ROWS)]
    better = [(f"{base}-{way}", base) for base, way in ((FOUR_BITS, "gptq"), (FOUR_BITS, "awq"), (BY_ROWS, "gptq"))]
    return [
        Target(f"{name}: KL of {low} / {high}", kld[low] / kld[high], 1.0, at_least=False, unit="x")
        for low, high in (*ordered, *better)
    ]


def main() -> None:
    """Measure every recipe on every model and publish."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    samples: dict[str, list[Figures]] = {}
    promises: list[Target] = []
    for subject in subjects():
        found = measure(subject, RECIPES)
        samples |= {f"{subject.name}: {recipe}": [figures] for recipe, figures in found.items()}
        promises += targets(subject.name, found)
    versions = {"edgeslm": machine.versions_in(Path(sys.executable), "edgeslm", "onnxruntime", "numpy")}
    publish("quantisation", samples, promises, versions, {"context": CONTEXT})


if __name__ == "__main__":
    main()
