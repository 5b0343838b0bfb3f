"""Is the memory that a plan predicts what a bundle takes?

Cells of (model, format, recipe, context, chunk): random weights of seven shapes and the built-in model, exported anew,
each run in a fresh process by the agent's engine: load, fill nine tenths of the context, decode 16 tokens, read VmHWM.
The prediction is `edgeslm.profiler.memory`'s, from shapes alone. Its constants were read off the cells of other models
than those of HELD_OUT, which are scored by themselves; the two of fp16 in TFLite off all models. Threads do not spin:
that changes times and no byte.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import machine
from bench.checkpoint import SMOLLM2_135M, Shape, random_checkpoint
from bench.environments import CACHE, ROOT
from bench.harness import Target, ask, publish
from bench.sides.memory_side import DECODE_TOKENS, FILLED
from edgeslm.profiler.memory import footprint
from edgeslm.source import open_source
from edgeslm_exporters.formats import layout
from edgeslm_exporters.recipe import parse_recipe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.harness import Figures
    from edgeslm_exporters.matrices import AnyLayout

HOME = "home"
SHAPES: dict[str, Shape] = {
    "tiny": Shape("tiny-4m-random", "BF16", 256, 640, 4, 4, 2, 4096, True, 8192, seed=4, tokenizer="pairs"),
    "narrow": Shape("narrow-15m-random", "F16", 288, 768, 6, 6, 6, 32000, True, 4096, seed=15, tokenizer="pairs"),
    "middle": Shape("middle-60m-random", "BF16", 512, 1408, 8, 8, 4, 65536, True, 4096, seed=60, tokenizer="pairs"),
    "wide": Shape("wide-vocabulary-random", "F16", 256, 768, 4, 4, 4, 151936, False, 4096, seed=151, tokenizer="pairs"),
    "135m": replace(SMOLLM2_135M, name="smollm2-135m-pairs-random", tokenizer="pairs"),
    "slim": Shape("slim-40m-random", "BF16", 384, 1024, 20, 6, 2, 12000, True, 4096, seed=40, tokenizer="pairs"),
    "untied": Shape("untied-90m-random", "F16", 768, 2048, 6, 12, 4, 32000, False, 4096, seed=90, tokenizer="pairs"),
}
HELD_OUT = ("slim", "untied")
ONNX = ("fp32", "fp16", "wi8-afp32", "wi4b32-afp32", "wi4b64-afp32", "wi4b128-afp32")
CACHES = ("wi4b32-afp32-kv8", "wi4b32-afp32-kv4")
TFLITE = ("fp32", "wi8-afp32", "wi4b32-afp32", "wi4-afp32", "fp16")
CONTEXTS = (256, 1024, 2048)
ONNX_CHUNKS, TFLITE_CHUNKS = (128, 32, 512), (128, 32, 8)
MB = 2**20
CLOSE = 5.0  # per cent


@dataclass(frozen=True)
class Cell:
    """One variant and how it is run."""

    model: str
    format: str
    recipe: str
    context: int
    chunk: int

    @property
    def name(self) -> str:
        """The cell in the table."""
        return f"{self.model} {self.format} {self.recipe} context {self.context} chunk {self.chunk}"

    @property
    def checkpoint(self) -> Path | None:
        """Its checkpoint, written on the first call; None is the built-in model."""
        return None if self.model == HOME else random_checkpoint(SHAPES[self.model])

    def layout(self) -> AnyLayout:
        """Return the layout of the variant."""
        source = open_source(None if self.checkpoint is None else str(self.checkpoint))
        return layout(self.format, source.spec, parse_recipe(self.recipe), self.context)

    def predicted(self) -> Figures:
        """Return the predicted peak and its upper end, in MiB."""
        found = footprint(self.layout(), int(FILLED * self.context) + DECODE_TOKENS, self.chunk)
        return {"predicted_mib": found.peak / MB, "bound_mib": found.end(1).peak / MB}


def cells() -> Iterator[Cell]:
    """Yield all cells: every recipe of every model, contexts and chunks in turn so that all pairs of them occur."""
    for place, model in enumerate((HOME, *SHAPES)):
        for form, recipes, chunks in (
            ("onnx", (*ONNX, *CACHES), ONNX_CHUNKS),
            ("tflite", TFLITE, TFLITE_CHUNKS),
        ):
            for index, recipe in enumerate(recipes):
                context = 256 if model == HOME else CONTEXTS[(place + index) % len(CONTEXTS)]
                for chunk in (chunks[index % 3], chunks[(index + 1 + place % 2) % 3]):
                    yield Cell(model, form, recipe, context, chunk)


def main() -> None:
    """Measure every cell once and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="cells whose name holds this text; publishes nothing")
    only = parser.parse_args().only
    samples: dict[str, list[Figures]] = {}
    chosen = [cell for cell in cells() if only in cell.name]
    for number, cell in enumerate(chosen, 1):
        samples[cell.name] = [_figures(cell)]
        print(f"{number}/{len(chosen)} {cell.name}: {samples[cell.name][0]}", file=sys.stderr, flush=True)
    targets = list(_targets(samples, [cell for cell in chosen if cell.model in HELD_OUT]))
    if only:
        print("\n".join(target.line() for target in targets))
        return
    versions = machine.versions_in(Path(sys.executable), "edgeslm", "onnxruntime", "ai-edge-litert", "numpy")
    settings = {"filled": FILLED, "decode_tokens": DECODE_TOKENS, "held_out": HELD_OUT}
    publish("memory", samples, targets, {"edgeslm": versions}, settings)


def _figures(cell: Cell) -> Figures:
    side: list[str | Path] = [
        sys.executable,
        "-m",
        "bench.sides.memory_side",
        bundle_of(replace(cell, chunk=0)),
        str(cell.chunk),
    ]
    measured = ask(side)["peak_rss_mb"] * 1e6 / MB
    predicted = cell.predicted()
    off = 100 * (predicted["predicted_mib"] / measured - 1)
    return {"peak_rss_mib": measured, **predicted, "off_percent": off}


@cache
def bundle_of(cell: Cell) -> Path:
    """Export a variant; its chunk does not matter to it."""
    out = CACHE / "bench" / "bundles" / f"memory-{cell.model}-{cell.format}-{cell.recipe}-{cell.context}"
    how = f"--device x86-avx512-vnni-server --recipe {cell.recipe} --format {cell.format} --context {cell.context}"
    model: list[str | Path] = [] if cell.checkpoint is None else [cell.checkpoint]
    command: list[Any] = [sys.executable, "-m", "edgeslm", "export", *model, *how.split(), "--gate", "none"]
    done = subprocess.run(
        [str(word) for word in (*command, "--no-measure", "--force", "-o", out)],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    if done.returncode != 0:
        raise SystemExit(f"{cell.name}: the export failed:\n{done.stderr[-2000:]}")
    return out


def _targets(samples: dict[str, list[Figures]], held_out: Sequence[Cell]) -> Iterator[Target]:
    """Every cell within 5 %, none above its bound, and the bound itself close."""
    figures = {name: found for name, (found,) in samples.items()}
    names = {"all cells": list(figures), "held-out models": [cell.name for cell in held_out]}
    for which, members in names.items():
        off = [abs(figures[name]["off_percent"]) for name in members]
        if off:
            yield Target(f"{which} ({len(off)}): median error", statistics.median(off), CLOSE, False, " %")
            yield Target(f"{which}: largest error", max(off), CLOSE, False, " %")
    above = sum(found["peak_rss_mib"] > found["bound_mib"] for found in figures.values())
    yield Target("cells above their upper bound", above, 0, at_least=False)


if __name__ == "__main__":
    main()
