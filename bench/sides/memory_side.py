"""One cell of the memory table: load a bundle, fill nine tenths of its context in chunks, decode, read VmHWM.

`python -m bench.sides.memory_side BUNDLE CHUNK [PROMPT]`; PROMPT tokens instead of nine tenths.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench.sides.gauge import THREADS, Gauge, peak_rss_mb
from edgeslm_agent.bundle import open_bundle
from edgeslm_agent.engine.generation import Generation
from edgeslm_agent.engine.runtime.onnx import SESSION_CONFIG
from edgeslm_agent.engine.session import Session

FILLED = 0.9  # of the context, by the prompt
DECODE_TOKENS = 16


def main(folder: Path, chunk: int, length: int | None = None) -> None:
    """Measure one bundle and report."""
    gauge = Gauge()
    SESSION_CONFIG["session.intra_op.allow_spinning"] = "0"  # so that the bench runs beside others
    bundle = open_bundle(folder)
    with Session.open(bundle, threads=THREADS, prefill_rows=chunk) as session:
        gauge.figures["loaded_mb"] = peak_rss_mb()
        shape = bundle.manifest.decoder
        prompt = [(7919 * (place + 1)) % shape.vocab_size for place in range(length or int(FILLED * shape.context))]
        session.complete(prompt, Generation(max_tokens=DECODE_TOKENS, ignore_stop=True))
        gauge.figures["peak_rss_mb"] = peak_rss_mb()
    gauge.report()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
