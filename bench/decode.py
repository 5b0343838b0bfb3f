"""How fast does a bundle answer, and in how much memory, beside llama.cpp and onnxruntime-genai?

The same random weights for all (SmolLM2-135M's shape), two threads, a context of 1024, every measurement in a fresh
process: load, warm up, prefill 128 tokens, decode 64, prefill 512. The peak resident memory (VmHWM) is read twice,
before and after the prompt of 512. Every promise is held against every variant of ours, for a plan chooses one of them.

llama.cpp keeps the tied embedding in Q8_0 where `wi4b32-afp32` has int4; `wi4b32-afp32-hi8b32` is like for like.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench import machine
from bench.environments import peer_python
from bench.harness import ROUNDS, Target, alternate, ask, medians, publish
from bench.models import edgeslm_bundle, genai_folder, gguf_file
from bench.sides.gauge import CONTEXT, DECODE_TOKENS, THREADS

PROMISED = {
    "wi4b32-afp32": "onnx",
    "wi4b64-afp32": "onnx",
    "wi4b128-afp32": "onnx",
    "wi4b32-afp32 TFLite": "tflite",
    "wi4b64-afp32 TFLite": "tflite",
}
VARIANTS = {**PROMISED, "wi4b32-afp32-hi8b32": "onnx"}
LLAMA = "llama.cpp Q4_0"
GENAI = "onnxruntime-genai int4"


def main() -> None:
    """Measure every side `--rounds` times and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    idle = machine.idle_share()
    commands = _commands()
    sizes = {side: _megabytes(Path(command[-1])) for side, command in commands.items()}
    samples = alternate(list(commands), lambda side: {"model_mb": sizes[side], **ask(commands[side])}, rounds)
    settings = {
        "threads": THREADS,
        "context": CONTEXT,
        "decode_tokens": DECODE_TOKENS,
        "rounds": rounds,
        "idle_before": idle,
    }
    publish("decode", samples, _targets(medians(samples)), _versions(), settings)


def _commands() -> dict[str, list[str | Path]]:
    side: list[str | Path] = [sys.executable, "-m", "bench.sides.edgeslm_side"]
    ours: dict[str, list[str | Path]] = {
        f"edgeslm {variant}": [*side, edgeslm_bundle(variant.split()[0], form=form)]
        for variant, form in VARIANTS.items()
    }
    return {
        **ours,
        LLAMA: [peer_python("llama-cpp"), "-m", "bench.sides.llama_cpp_side", gguf_file()],
        GENAI: [peer_python("onnxruntime-genai"), "-m", "bench.sides.genai_side", genai_folder()],
    }


def _megabytes(model: Path) -> float:
    """Return the size of a model's largest file, which is its weights."""
    files = [model] if model.is_file() else [path for path in model.rglob("*") if path.is_file()]
    return max(path.stat().st_size for path in files) / 1e6


PROMISES = (  # figure, its name, the peer, the bound on ours / theirs, whether more is better
    ("decode_tps", "decode", LLAMA, 1.0, True),
    ("prefill_128_tps", "prefill 128", LLAMA, 1.15, True),
    ("prefill_512_tps", "prefill 512", LLAMA, 1.15, True),
    ("peak_rss_mb", "peak RSS", LLAMA, 0.85, False),
    ("peak_rss_512_mb", "peak RSS with the 512", LLAMA, 0.85, False),
    ("decode_tps", "decode", GENAI, 1.5, True),
)


def _targets(middle: dict[str, dict[str, float]]) -> list[Target]:
    return [
        Target(
            f"{variant}: {name} / {peer}",
            middle[f"edgeslm {variant}"][figure] / middle[peer][figure],
            bound,
            at_least=at_least,
            unit="x",
        )
        for variant in PROMISED
        for figure, name, peer, bound, at_least in PROMISES
    ]


def _versions() -> dict[str, dict[str, str]]:
    return {
        "edgeslm": machine.versions_in(Path(sys.executable), "edgeslm", "onnxruntime", "ai-edge-litert", "numpy"),
        "llama.cpp": machine.versions_in(peer_python("llama-cpp"), "llama-cpp-python"),
        "onnxruntime-genai": machine.versions_in(peer_python("onnxruntime-genai"), "onnxruntime-genai", "onnxruntime"),
    }


if __name__ == "__main__":
    main()
