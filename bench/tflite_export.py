"""How long does an int4 export to TFLite take, and how much anonymous memory, beside litert-torch's?

Whole commands, from start to exit, on the same random checkpoint of SmolLM2-135M's shape in bf16; blocks of 32 weights
and a context of 1024 for both. litert-torch writes one prefill signature and `decode`, and packs a .litertlm; ours is
told to pack one too. Memory is the peak of RssAnon over the command and its children, sampled every 5 ms.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench import machine
from bench.checkpoint import SMOLLM2_135M, random_checkpoint
from bench.environments import peer_python
from bench.harness import Target, alternate, medians, publish, watch
from bench.models import edgeslm_command, litert_torch_command

if TYPE_CHECKING:
    from bench.harness import Figures

OURS, THEIRS = "edgeslm wi4b32-afp32", "litert-torch dynamic_wi4b32_afp32"
ROUNDS = 3  # one of litert-torch takes more than a minute


def main() -> None:
    """Measure both sides `--rounds` times and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    random_checkpoint(SMOLLM2_135M)
    python = peer_python("litert-torch")
    idle = machine.idle_share()
    os.environ["HF_HUB_OFFLINE"] = "1"  # litert-torch would ask the hub about a local folder
    samples = alternate([OURS, THEIRS], _measure, rounds)
    middle = medians(samples)
    ratio = middle[THEIRS]["wall_s"] / middle[OURS]["wall_s"]
    targets = [
        Target("wall time, litert-torch / ours", ratio, 50.0, at_least=True, unit="x"),
        Target("peak anonymous memory", middle[OURS]["peak_anonymous_mb"], 250.0, at_least=False, unit=" MB"),
    ]
    versions = {
        "edgeslm": machine.versions_in(Path(sys.executable), "edgeslm", "numpy"),
        "litert-torch": machine.versions_in(python, "litert-torch", "ai-edge-quantizer", "torch", "transformers"),
    }
    publish("tflite-export", samples, targets, versions, {"rounds": rounds, "idle_before": idle})


def _measure(side: str) -> Figures:
    with tempfile.TemporaryDirectory(prefix="edgeslm-bench-") as folder:
        out = Path(folder) / "out"
        if side == THEIRS:
            return watch(litert_torch_command("dynamic_wi4b32_afp32", out))
        command = edgeslm_command("wi4b32-afp32", out, form="tflite")
        return watch([*command, "--litertlm", Path(folder) / "model.litertlm"])


if __name__ == "__main__":
    main()
