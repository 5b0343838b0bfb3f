"""An export to TFLite waits for nothing that ONNX needs: the package `onnx` takes a tenth of a second to import."""

from __future__ import annotations

import subprocess
import sys


def test_what_writes_tflite_brings_neither_onnx_nor_a_runtime() -> None:
    modules = "edgeslm.pipeline, edgeslm_exporters.tflite.writer, edgeslm_exporters.tflite.linter"
    heavy = ("onnx", "onnxruntime", "ai_edge_litert", "torch", "transformers")
    code = f"import sys, {modules}; print(*sorted(set(sys.modules) & set({heavy!r})))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert loaded == []
