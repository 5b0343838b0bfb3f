"""Our own side: prefill, decode and peak memory of one bundle through the session that the agent uses.

`python -m bench.sides.edgeslm_side BUNDLE [WARM_UP]`. Nothing here but what an application would write.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench.sides.gauge import DECODE_TOKENS, THREADS, WARM_UP, Gauge, peak_rss_mb, prompt
from edgeslm_agent.bundle import open_bundle
from edgeslm_agent.engine.generation import Generation
from edgeslm_agent.engine.session import Session


def main(folder: Path, warm_up: int = WARM_UP) -> None:
    """Measure one bundle and report."""
    gauge = Gauge()
    session = Session.open(open_bundle(folder), threads=THREADS)
    gauge.figures["load_s"] = gauge.lap()

    session.complete(prompt(warm_up), Generation(max_tokens=5, ignore_stop=True))
    gauge.lap()
    answer = session.generate(prompt(128), Generation(max_tokens=DECODE_TOKENS + 1, ignore_stop=True))
    next(answer)
    gauge.figures["prefill_128_tps"] = 128 / gauge.lap()
    decoded = sum(1 for _ in answer)
    gauge.figures["decode_tps"] = decoded / gauge.lap()
    gauge.figures["peak_rss_mb"] = peak_rss_mb()
    if decoded != DECODE_TOKENS:
        raise SystemExit(f"the session stopped after {decoded} tokens instead of {DECODE_TOKENS}")
    next(session.generate(prompt(512), Generation(max_tokens=1, ignore_stop=True)))
    gauge.figures["prefill_512_tps"] = 512 / gauge.lap()
    gauge.figures["peak_rss_512_mb"] = peak_rss_mb()
    gauge.report()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
