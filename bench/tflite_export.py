"""How long does an int4 export to TFLite take, and how much anonymous memory, beside litert-torch's?

Whole processes, from start to exit, on the same random checkpoint of SmolLM2-135M's shape in bf16; blocks of 32 weights
and a context of 1024 for all. litert-torch writes one prefill signature and `decode`, and packs a .litertlm. Beside it
our conversion alone, which does as much, and `edgeslm export --litertlm`, which also plans, looks in the file for slow
forms, runs it for its self-test, hashes it, and packs a bundle and a .litertlm. Memory is the peak of RssAnon over the
process and its children, sampled every 5 ms.
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
from bench.sides.gauge import CONTEXT

if TYPE_CHECKING:
    from bench.harness import Figures

ALONE, OURS = "edgeslm wi4b32-afp32, conversion alone", "edgeslm export --recipe wi4b32-afp32"
THEIRS = "litert-torch dynamic_wi4b32_afp32"
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
    samples = alternate([ALONE, OURS, THEIRS], _measure, rounds)
    middle = medians(samples)
    targets = [
        *(
            Target(
                f"wall time, litert-torch / {side}", middle[THEIRS]["wall_s"] / middle[side]["wall_s"], 50.0, True, "x"
            )
            for side in (ALONE, OURS)
        ),
        Target("peak anonymous memory of the export", middle[OURS]["peak_anonymous_mb"], 250.0, False, " MB"),
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
        if side == ALONE:
            how: list[str | Path] = [sys.executable, "-m", "bench.sides.convert_side", random_checkpoint(SMOLLM2_135M)]
            return watch([*how, out, str(CONTEXT), "wi4b32-afp32"])
        command = edgeslm_command("wi4b32-afp32", out, form="tflite")
        return watch([*command, "--litertlm", Path(folder) / "model.litertlm"])


if __name__ == "__main__":
    main()
