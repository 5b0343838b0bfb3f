"""Our own side, and any graph of the same inputs: sentences a second through the session that the agent uses.

`python -m bench.sides.encoder_side BUNDLE SENTENCES.json VECTORS.npy [GRAPH]`: with GRAPH, that graph instead of the
bundle's own.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.sides.gauge import THREADS, Gauge, peak_rss_mb
from edgeslm_agent.bundle import EncoderBundle, open_any
from edgeslm_agent.engine.encoder import EncoderSession


def main(folder: Path, texts: Path, out: Path, graph: Path | None) -> None:
    """Embed every sentence, keep the vectors, and report."""
    sentences = json.loads(texts.read_text("utf-8"))
    gauge = Gauge()
    bundle = open_any(folder, verify=False)
    assert isinstance(bundle, EncoderBundle)
    size = sum(entry.bytes for entry in bundle.manifest.files if entry.path.startswith("artifacts/"))
    if graph is not None:
        size = graph.stat().st_size
        shape = replace(bundle.manifest.encoder, graph=str(graph))  # an absolute path wins over the bundle's folder
        bundle = EncoderBundle(bundle.path, replace(bundle.manifest, encoder=shape), bundle.bundle_id)
    session = EncoderSession.open(bundle, threads=THREADS, check_probe=graph is None)
    gauge.figures["model_mb"] = size / 1e6
    gauge.figures["load_s"] = gauge.lap()
    for sentence in sentences[:10]:
        session.embed(sentence)
    gauge.lap()
    vectors = [session.embed(sentence).vector for sentence in sentences]
    gauge.figures["sentences_s"] = len(sentences) / gauge.lap()
    gauge.figures["peak_rss_mb"] = peak_rss_mb()
    np.save(out, np.array(vectors))
    gauge.report()


if __name__ == "__main__":
    given = [Path(word) for word in sys.argv[1:]]
    main(given[0], given[1], given[2], given[3] if len(given) > 3 else None)
