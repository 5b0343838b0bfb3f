"""Our own side with a long context held: memory and speed of one bundle after 1,900 tokens.

`python -m bench.sides.kv_side BUNDLE`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench.sides.gauge import THREADS, Gauge, peak_rss_mb, prompt
from edgeslm_agent.bundle import open_bundle
from edgeslm_agent.engine.generation import Generation
from edgeslm_agent.engine.runtime.kv_cache import cache_bytes
from edgeslm_agent.engine.session import Session

CONTEXT, HELD_TOKENS, DECODE_TOKENS = 2048, 1900, 32


def main(folder: Path) -> None:
    """Measure one bundle and report."""
    gauge = Gauge()
    bundle = open_bundle(folder)
    session = Session.open(bundle, threads=THREADS)
    gauge.figures["load_s"] = gauge.lap()
    answer = session.generate(prompt(HELD_TOKENS), Generation(max_tokens=DECODE_TOKENS + 1, ignore_stop=True))
    next(answer)
    gauge.figures[f"prefill_{HELD_TOKENS}_tps"] = HELD_TOKENS / gauge.lap()
    decoded = sum(1 for _ in answer)
    gauge.figures["decode_tps"] = decoded / gauge.lap()
    gauge.figures["peak_rss_mb"] = peak_rss_mb()
    gauge.figures["cache_mb"] = cache_bytes(bundle.manifest.decoder) / 1e6
    if decoded != DECODE_TOKENS:
        raise SystemExit(f"the session stopped after {decoded} tokens instead of {DECODE_TOKENS}")
    gauge.report()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
