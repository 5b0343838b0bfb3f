"""The same random model in everybody's form: our bundles, GGUF, onnxruntime-genai's folder, litert-torch's file.

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


def edgeslm_command(
    recipe: str, out: Path, shape: Shape = SMOLLM2_135M, context: int = CONTEXT, form: str = "onnx"
) -> list[str | Path]:
    """Return the command that exports the checkpoint with one recipe into `out`, without measuring: no peer does."""
    how = f"--device {DEVICE} --recipe {recipe} --context {context} --gate none --no-measure --force".split()
    return [EDGESLM, "export", random_checkpoint(shape), *how, "--format", form, "-o", out]


def genai_command(out: Path, shape: Shape = SMOLLM2_135M) -> list[str | Path]:
    """Return the command of onnxruntime-genai's model builder for the same checkpoint, int4 for the CPU."""
    builder: list[str | Path] = [peer_python("onnxruntime-genai"), "-m", "onnxruntime_genai.models.builder"]
    return [*builder, "-i", random_checkpoint(shape), "-o", out, "-p", "int4", "-e", "cpu", "-c", out / "cache"]


def edgeslm_bundle(recipe: str, context: int = CONTEXT, form: str = "onnx") -> Path:
    """Export the checkpoint with one recipe; return the bundle."""
    out = KEPT / "bundles" / f"{recipe}-{form}-{context}"
    _run(edgeslm_command(recipe, out, context=context, form=form))
    return out


def litert_torch_command(recipe: str, out: Path, context: int = CONTEXT) -> list[str | Path]:
    """Return the command of litert-torch's exporter for the same checkpoint, with one of its own recipes."""
    exporter: list[str | Path] = [peer_python("litert-torch"), "-m", "bench.sides.litert_torch_export"]
    return [*exporter, random_checkpoint(SMOLLM2_135M), out, str(context), recipe]


def litertlm_file(recipe: str, context: int = CONTEXT) -> Path:
    """Return litert-torch's own export as LiteRT-LM runs it, made on the first call."""
    folder = KEPT / f"litert-torch-{recipe}-{context}"
    if not folder.is_dir():
        partial = folder.with_name(folder.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        _run(litert_torch_command(recipe, partial, context))
        partial.rename(folder)
    return folder / "model.litertlm"


def genai_folder() -> Path:
    """Return onnxruntime-genai's own int4 export, made on the first call."""
    folder = KEPT / "onnxruntime-genai-int4"
    if not folder.is_dir():
        partial = folder.with_name(folder.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        _run(genai_command(partial))
        partial.rename(folder)
    return folder


def gguf_file(kind: str = "q4_0") -> Path:
    """Return llama.cpp's Q4_0 or Q8_0 of the same weights, made by its own quantiser on the first call."""
    path = KEPT / f"smollm2-135m-random-{kind}.gguf"
    if not path.is_file():
        convert: list[str | Path] = [peer_python("llama-cpp"), "-m", "bench.sides.llama_cpp_convert"]
        _run([*convert, random_checkpoint(SMOLLM2_135M), path, kind])
    return path


def _run(command: list[str | Path]) -> None:
    """Run a command that may talk as much as it likes; only a failure shows what it said."""
    done = subprocess.run([str(word) for word in command], check=False, capture_output=True, text=True, cwd=ROOT)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{done.stderr[-2000:]}")
