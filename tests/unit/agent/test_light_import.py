"""An agent without a model stays small: what is heavy is imported only where it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "numpy",
    "onnxruntime",
    "ai_edge_litert",
    "tokenizers",
    "yaml",
    "onnx",
    "torch",
    "transformers",
    "rich",
    "jinja2",
    "safetensors",
)


@pytest.mark.parametrize(
    "module",
    [
        "edgeslm_agent",
        "edgeslm_agent.bundle",
        "edgeslm_agent.host",
        "edgeslm_agent.units",
        "edgeslm_agent.contract.manifest",
        "edgeslm_agent.engine.generation",
        "edgeslm_agent.cli",
    ],
)
def test_nothing_heavy_comes_with_it(module: str) -> None:
    code = f"import sys, {module}; print(*sorted(set(sys.modules) & set({HEAVY!r})))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert loaded == []


def test_the_engine_brings_numpy_but_no_runtime_and_no_tokenizer() -> None:
    code = f"import sys, edgeslm_agent.engine.session; print(*sorted(set(sys.modules) & set({HEAVY!r})))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert loaded == ["numpy"]
