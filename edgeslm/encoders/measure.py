"""Measures an encoder's bundle on this machine, in a process of its own, with the engine the device uses.

Run as a module, this file is that process: it takes the bundle's path and prints one JSON object.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from edgeslm.profiler.measure import loaded_runtime, run_child
from edgeslm_agent.bundle import EncoderBundle, open_any
from edgeslm_agent.engine.encoder import EncoderSession
from edgeslm_agent.host import peak_rss_bytes

TOKENS = 32  # a sentence
ROUNDS = 20


@dataclass(frozen=True)
class EncoderMeasurement:
    """Medians for a text of `prompt_tokens`: seconds, texts and tokens a second, bytes.

    `on` names the machine, `runtime` what ran it, such as `onnxruntime 1.31.1`.
    """

    on: str
    runtime: str
    prompt_tokens: int
    answer_s: float
    texts_per_s: float
    prefill_tps: float
    load_s: float
    peak_rss_bytes: int


def measure_encoder(path: Path, on: str = "host") -> EncoderMeasurement:
    """Measure the bundle at `path` in a child process.

    Raises EnvironmentProblem when the child dies or takes more than ten minutes, naming its last words.
    """
    return EncoderMeasurement(on=on, **json.loads(run_child("edgeslm.encoders.measure", path)))


def observe(bundle: EncoderBundle) -> dict[str, float | str]:
    """Load the bundle in this process, read a text several times and return the figures of `EncoderMeasurement`."""
    manifest = bundle.manifest
    length = min(TOKENS, manifest.context)
    ids = [(7919 * (index + 1)) % manifest.encoder.vocab_size for index in range(length)]
    with EncoderSession.open(bundle) as session:
        seconds = []
        for _ in range(ROUNDS + 1):
            started = time.perf_counter()
            session.run(ids)
            seconds.append(time.perf_counter() - started)
        took = statistics.median(seconds[1:])  # the first warms up
        return {
            "runtime": loaded_runtime(manifest.runtime.name),
            "prompt_tokens": length,
            "answer_s": took,
            "texts_per_s": 1 / took,
            "prefill_tps": length / took,
            "load_s": session.load_s,
            "peak_rss_bytes": peak_rss_bytes(),
        }


if __name__ == "__main__":
    found = open_any(Path(sys.argv[1]), verify=False)
    assert isinstance(found, EncoderBundle)
    sys.stdout.write(json.dumps(observe(found)))
