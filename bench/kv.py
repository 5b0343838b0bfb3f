"""What does a KV cache of 8 or 4 bits save, and what does it cost?

The random weights of SmolLM2-135M's shape in int4, two threads, a context of 2048, every measurement in a fresh
process: load, read 1,900 tokens, decode 32 on top of them. Peak resident memory is VmHWM at the end. How exact such a
cache is depends on trained weights: bench/quantisation.py measures that.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench import machine
from bench.harness import ROUNDS, Target, alternate, ask, medians, publish
from bench.models import edgeslm_bundle
from bench.sides.gauge import THREADS
from bench.sides.kv_side import CONTEXT, DECODE_TOKENS, HELD_TOKENS

FLOATS, EIGHT, FOUR = "wi4b32-afp32", "wi4b32-afp32-kv8", "wi4b32-afp32-kv4"


def main() -> None:
    """Measure every side `--rounds` times and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    idle = machine.idle_share()
    bundles = {recipe: edgeslm_bundle(recipe, CONTEXT) for recipe in (FLOATS, EIGHT, FOUR)}
    commands: dict[str, list[str | Path]] = {
        recipe: [sys.executable, "-m", "bench.sides.kv_side", bundle] for recipe, bundle in bundles.items()
    }
    samples = alternate(list(commands), lambda side: ask(commands[side]), rounds)
    versions = {"edgeslm": machine.versions_in(Path(sys.executable), "edgeslm", "onnxruntime", "numpy")}
    settings = {
        "threads": THREADS,
        "context": CONTEXT,
        "held_tokens": HELD_TOKENS,
        "decode_tokens": DECODE_TOKENS,
        "rounds": rounds,
        "idle_before": idle,
    }
    publish("kv", samples, _targets(medians(samples)), versions, settings)


def _targets(middle: dict[str, dict[str, float]]) -> list[Target]:
    """The cache of floats is 94 MB here: 8 bits must save at least 60 of them, 4 bits 70, and not cost much speed."""
    saved = {recipe: middle[FLOATS]["peak_rss_mb"] - middle[recipe]["peak_rss_mb"] for recipe in (EIGHT, FOUR)}
    slower = {recipe: middle[recipe]["decode_tps"] / middle[FLOATS]["decode_tps"] for recipe in (EIGHT, FOUR)}
    return [
        Target("8-bit cache: memory saved", saved[EIGHT], 60, at_least=True, unit=" MB"),
        Target("4-bit cache: memory saved", saved[FOUR], 70, at_least=True, unit=" MB"),
        Target("8-bit cache: decode / floats", slower[EIGHT], 0.9, at_least=True, unit="x"),
        Target("4-bit cache: decode / floats", slower[FOUR], 0.75, at_least=True, unit="x"),
    ]


if __name__ == "__main__":
    main()
