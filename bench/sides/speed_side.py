"""Times one bundle as its users do: `python -m bench.sides.speed_side BUNDLE THREADS:CHUNK:PROMPT...`.

In each setting: read a prompt, decode 24 tokens on top of it, some rounds whose medians count. Prints a JSON list.
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path

from edgeslm_agent.bundle import open_bundle
from edgeslm_agent.engine.generation import Generation, RunFigures
from edgeslm_agent.engine.session import Session

DECODE_TOKENS, ROUNDS, ENOUGH_S = 24, 5, 1.5


def main(folder: Path, settings: list[str]) -> None:
    """Measure and report."""
    bundle = open_bundle(folder)
    found = []
    for setting in settings:
        threads, chunk, length = map(int, setting.split(":"))
        with Session.open(bundle, threads=threads, prefill_rows=chunk) as session:
            found.append({"threads": threads, "chunk": chunk, "prompt": length, **_timed(session, length)})
    print("\n" + json.dumps(found))


def _timed(session: Session, length: int) -> dict[str, float]:
    vocabulary = session.manifest.decoder.vocab_size
    prompt = [7919 * (place + 1) % vocabulary for place in range(length)]
    options = Generation(max_tokens=DECODE_TOKENS + 1, ignore_stop=True)
    session.complete(prompt, options)
    rounds: list[RunFigures] = []
    while len(rounds) < ROUNDS and (len(rounds) < 3 or sum(one.first_token_s for one in rounds) < ENOUGH_S):
        rounds.append(session.complete(prompt, options).figures)
    return {
        "first_token_s": statistics.median(one.first_token_s for one in rounds),
        "step_s": statistics.median(1 / (one.decode_tps or 1e-9) for one in rounds),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
