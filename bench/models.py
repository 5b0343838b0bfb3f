"""The same random model in everybody's form: our bundles, llama.cpp's GGUF, onnxruntime-genai's folder.

Peers' files are made once and kept in .cache/bench; our bundles are exported anew, so that they are today's code.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.checkpoint import SMOLLM2_135M, random_checkpoint
from bench.environments import CACHE, ROOT, peer_python
from bench.sides.gauge import CONTEXT

if TYPE_CHECKING:
    from bench.checkpoint import Shape

KEPT = CACHE / "bench"
DEVICE = "x86-avx512-vnni-server"
EDGESLM = Path(sys.executable).with_name("edgeslm")


def edgeslm_command(recipe: str, out: Path, shape: Shape = SMOLLM2_135M, context: int = CONTEXT) -> list[str | Path]:
    """Return the command that exports the checkpoint with one recipe into `out`, without measuring: no peer does."""
    how = f"--device {DEVICE} --recipe {recipe} --context {context} --gate none --no-measure --force".split()
    return [EDGESLM, "export", random_checkpoint(shape), *how, "-o", out]


def genai_command(out: Path, shape: Shape = SMOLLM2_135M) -> list[str | Path]:
    """Return the command of onnxruntime-genai's model builder for the same checkpoint, int4 for the CPU."""
    builder: list[str | Path] = [peer_python("onnxruntime-genai"), "-m", "onnxruntime_genai.models.builder"]
    return [*builder, "-i", random_checkpoint(shape), "-o", out, "-p", "int4", "-e", "cpu", "-c", out / "cache"]


def edgeslm_bundle(recipe: str, context: int = CONTEXT) -> Path:
    """Export the checkpoint with one recipe; return the bundle."""
    out = KEPT / "bundles" / f"{recipe}-{context}"
    _run(edgeslm_command(recipe, out, context=context))
    return out


def genai_folder() -> Path:
    """Return onnxruntime-genai's own int4 export, made on the first call."""
    folder = KEPT / "onnxruntime-genai-int4"
    if not folder.is_dir():
        partial = folder.with_name(folder.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        _run(genai_command(partial))
        partial.rename(folder)
    return folder


def gguf_file() -> Path:
    """Return llama.cpp's Q4_0 of the same weights, made by its own quantiser on the first call."""
    path = KEPT / "smollm2-135m-random-q4_0.gguf"
    if not path.is_file():
        convert: list[str | Path] = [peer_python("llama-cpp"), "-m", "bench.sides.llama_cpp_convert"]
        _run([*convert, random_checkpoint(SMOLLM2_135M), path])
    return path


def _run(command: list[str | Path]) -> None:
    """Run a command that may talk as much as it likes; only a failure shows what it said."""
    done = subprocess.run([str(word) for word in command], check=False, capture_output=True, text=True, cwd=ROOT)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{done.stderr[-2000:]}")
