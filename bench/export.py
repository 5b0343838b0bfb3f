"""How long does an int4 export take, and how much anonymous memory, beside onnxruntime-genai's model builder?

Whole commands, from start to exit, on the same checkpoint (SmolLM2-135M's shape, bf16). The memory is the peak of
RssAnon over the command and its children, sampled every 5 ms: mapped files do not count, they can always be dropped.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from bench import machine
from bench.environments import peer_python
from bench.harness import ROUNDS, Target, alternate, medians, publish, watch
from bench.models import edgeslm_command, genai_command

OURS, PEER = "edgeslm export wi4b32-afp32", "onnxruntime-genai builder int4"


def main() -> None:
    """Measure both sides `--rounds` times and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    idle = machine.idle_share()
    os.environ["HF_HUB_OFFLINE"] = "1"  # the builder would ask the hub about a local folder
    samples = alternate([OURS, PEER], _measure, rounds)
    middle = medians(samples)
    ratio = middle[PEER]["wall_s"] / middle[OURS]["wall_s"]
    targets = [
        Target("wall time, builder / ours", ratio, 8.0, at_least=True, unit="x"),
        Target("peak anonymous memory", middle[OURS]["peak_anonymous_mb"], 250.0, at_least=False, unit=" MB"),
    ]
    versions = {
        "edgeslm": machine.versions_in(Path(sys.executable), "edgeslm", "onnx", "onnxruntime", "numpy"),
        "onnxruntime-genai": machine.versions_in(
            peer_python("onnxruntime-genai"), "onnxruntime-genai", "onnxruntime", "torch", "transformers"
        ),
    }
    publish("export", samples, targets, versions, {"rounds": rounds, "idle_before": idle})


def _measure(side: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="edgeslm-bench-") as folder:
        out = Path(folder) / "out"
        return watch(edgeslm_command("wi4b32-afp32", out) if side == OURS else genai_command(out))


if __name__ == "__main__":
    main()
