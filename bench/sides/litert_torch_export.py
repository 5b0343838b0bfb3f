"""litert-torch's own export of a checkpoint: a .tflite with LiteRT-LM's signatures, and the .litertlm around it.

Runs in the peer's environment: `python -m bench.sides.litert_torch_export CHECKPOINT OUT CONTEXT RECIPE`.
"""

from __future__ import annotations

import sys
from types import ModuleType

import litert_torch  # noqa: F401  # before the stand-in: torch and transformers look whether TensorFlow is installed
from ai_edge_litert import schema_py_generated

PREFILL = 128  # tokens that its one prefill signature reads


def main(checkpoint: str, out: str, context: int, recipe: str) -> None:
    """Write OUT/model.tflite and OUT/model.litertlm; the recipe "fp32" quantises nothing."""
    _stand_in_for_tensorflow()
    from litert_torch.generative.export_hf.export import export

    export(
        checkpoint,
        out,
        prefill_lengths=[PREFILL],
        cache_length=context,
        quantization_recipe=None if recipe == "fp32" else recipe,
        keep_temporary_files=True,
    )


def _stand_in_for_tensorflow() -> None:
    """Let version 0.10.0 be imported: a family we do not export asks TensorFlow for what ai-edge-litert has too."""
    for name in ("tensorflow", "tensorflow.lite", "tensorflow.lite.python"):
        sys.modules[name] = ModuleType(name)
    vars(sys.modules["tensorflow.lite.python"])["schema_py_generated"] = schema_py_generated


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
