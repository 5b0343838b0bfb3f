"""One step with 100 tokens held, whatever context the bundle was made for.

`python -m bench.sides.held_side BUNDLE`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench.sides.gauge import DECODE_TOKENS, THREADS, Gauge, prompt
from edgeslm_agent.bundle import open_bundle
from edgeslm_agent.engine.generation import Generation
from edgeslm_agent.engine.session import Session

HELD_TOKENS = 100


def main(folder: Path) -> None:
    """Measure one bundle and report."""
    gauge = Gauge()
    session = Session.open(open_bundle(folder), threads=THREADS)
    answer = session.generate(prompt(HELD_TOKENS), Generation(max_tokens=DECODE_TOKENS + 2, ignore_stop=True))
    next(answer)
    next(answer)  # the first step allocates
    gauge.lap()
    steps = sum(1 for _ in answer)
    gauge.figures["step_ms"] = 1000 * gauge.lap() / steps
    if steps != DECODE_TOKENS:
        raise SystemExit(f"the session stopped after {steps} steps instead of {DECODE_TOKENS}")
    gauge.report()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
