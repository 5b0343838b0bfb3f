"""Our own side for tasks: first token and decoding speed of one bundle at several lengths of prompt, and its peak.

`python -m bench.sides.task_side BUNDLE ANSWER_TOKENS PROMPT_TOKENS...`; medians of three rounds after a first. The peak
is that of a full context: an agent does not know how long the next prompt is. With `--brief` one round after a first,
and no peak: for those who come back often.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path
from typing import TYPE_CHECKING

from bench.sides.gauge import THREADS, Gauge, peak_rss_mb
from edgeslm_agent.bundle import open_bundle
from edgeslm_agent.engine.generation import Generation
from edgeslm_agent.engine.session import Session
from edgeslm_agent.engine.workload import STRIDE

if TYPE_CHECKING:
    from edgeslm_agent.engine.generation import RunFigures

ROUNDS = 3


def main(folder: Path, answer: int, prompts: list[int], *, brief: bool) -> None:
    """Measure one bundle and report."""
    gauge = Gauge()
    bundle = open_bundle(folder, verify=False)
    decoder = bundle.manifest.decoder
    options = Generation(max_tokens=answer, ignore_stop=True)
    rounds = 1 if brief else ROUNDS
    with Session.open(bundle, threads=THREADS) as session:
        gauge.figures["load_s"] = gauge.lap()

        def run(length: int) -> RunFigures:
            prompt = [STRIDE * (place + 1) % decoder.vocab_size for place in range(length)]
            return session.complete(prompt, options).figures

        for length in prompts:
            figures = [run(length) for _ in range(1 + rounds)][1:]
            gauge.figures[f"first_token_{length}_s"] = statistics.median(seen.first_token_s for seen in figures)
            gauge.figures[f"decode_{length}_tps"] = statistics.median(seen.decode_tps or 0.0 for seen in figures)
        if not brief:
            run(decoder.context - answer)
            gauge.figures["peak_rss_mb"] = peak_rss_mb()
    gauge.report()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("answer", type=int)
    parser.add_argument("prompts", type=int, nargs="+")
    parser.add_argument("--brief", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main(**vars(_arguments()))
