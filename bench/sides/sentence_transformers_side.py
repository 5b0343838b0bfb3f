"""The peer: sentence-transformers with torch, fp32, one sentence at a time.

`python -m bench.sides.sentence_transformers_side MODEL SENTENCES.json VECTORS.npy`, in its own environment.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from bench.sides.gauge import THREADS, Gauge, peak_rss_mb


def main(model: Path, texts: Path, out: Path) -> None:
    """Embed every sentence, keep the vectors, and report."""
    sentences = json.loads(texts.read_text("utf-8"))
    torch.set_num_threads(THREADS)
    gauge = Gauge()
    encoder = SentenceTransformer(str(model), device="cpu")
    gauge.figures["model_mb"] = (model / "model.safetensors").stat().st_size / 1e6
    gauge.figures["load_s"] = gauge.lap()
    for sentence in sentences[:10]:
        encoder.encode(sentence)
    gauge.lap()
    vectors = [encoder.encode(sentence) for sentence in sentences]
    gauge.figures["sentences_s"] = len(sentences) / gauge.lap()
    gauge.figures["peak_rss_mb"] = peak_rss_mb()
    np.save(out, np.array(vectors))
    gauge.report()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
