"""Makes what litert-torch writes of a small decoder: the fixtures of tests that open files of other tools.

`PYTHONPATH=.:tests python tests/references/make_litert_torch.py`, in the project's environment; litert-torch itself
runs in the one of bench/peers/litert-torch.txt. Its files carry a time and a name drawn at random, so they are kept,
not compared; the test that uses them compares what they compute.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.environments import ROOT, peer_python
from support.foreign_files import CONTEXT, FOLDER, foreign_checkpoint


def main() -> None:
    """Write model.tflite (fp32) and model.litertlm (int8) of the checkpoint."""
    with tempfile.TemporaryDirectory() as folder:
        checkpoint, out = foreign_checkpoint(Path(folder) / "checkpoint"), Path(folder) / "out"
        python = peer_python("litert-torch")
        command: list[str | Path] = [
            python,
            "-m",
            "bench.sides.litert_torch_export",
            checkpoint,
            out,
            str(CONTEXT),
            "dynamic_wi8_afp32",
        ]
        subprocess.run(command, check=True, cwd=ROOT)
        FOLDER.mkdir(exist_ok=True)
        for name in ("model.tflite", "model.litertlm"):
            shutil.copyfile(out / name, FOLDER / name)
            sys.stderr.write(f"{name}: {(FOLDER / name).stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
