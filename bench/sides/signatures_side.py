"""Resident memory of a .tflite decoder once each of its prefill signatures and `decode` have run.

`python -m bench.sides.signatures_side BUNDLE MODEL.tflite`: the file of the bundle, or one with fewer signatures.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench.sides.gauge import THREADS, Gauge, prompt, rss_mb
from edgeslm_agent.bundle import open_bundle
from edgeslm_agent.engine.runtime.litert import LitertRuntime
from edgeslm_agent.engine.session import PREFILL_ROWS

PROMPT = 200  # tokens: every size of chunk is used


def main(folder: Path, graph: Path) -> None:
    """Measure one file and report."""
    gauge = Gauge()
    manifest = open_bundle(folder, verify=False).manifest
    rows = {"prefill_rows": PREFILL_ROWS, "score_rows": PREFILL_ROWS}
    runtime = LitertRuntime(graph, manifest.decoder, min_version=manifest.runtime.min_version, threads=THREADS, **rows)
    runtime.prefill(prompt(PROMPT), 0)
    gauge.figures["rss_mb"] = rss_mb()
    gauge.report()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
