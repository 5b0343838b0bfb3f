"""Small .tflite decoders for tests, and a look into them with LiteRT's own generated reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edgeslm_agent.engine.runtime.litert import LitertRuntime
from edgeslm_exporters.export import convert
from edgeslm_exporters.recipe import parse_recipe

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from edgeslm_agent.contract.manifest import DecoderShape
    from edgeslm_agent.engine.runtime.port import Runtime
    from edgeslm_exporters.checkpoint import Checkpoint
    from edgeslm_exporters.export import Artifact


def written(checkpoint: Checkpoint, recipe: str, out: Path, context: int = 64) -> Artifact:
    """Convert a checkpoint to TFLite in `out`, which is made."""
    out.mkdir(parents=True)
    return convert(checkpoint, parse_recipe(recipe), context, out, form="tflite")


def opened(path: Path, shape: DecoderShape, score_rows: int = 64) -> LitertRuntime:
    """Load a written file with the agent's runtime."""
    return LitertRuntime(path, shape, min_version="2.2", threads=1, prefill_rows=128, score_rows=score_rows)


def scored(runtime: Runtime, ids: Sequence[int]) -> NDArray[np.float32]:
    """Return the logits [len, vocab] after each id."""
    rows = runtime.score_rows
    chunks = [runtime.score(ids[start : start + rows], start).copy() for start in range(0, len(ids), rows)]
    return np.concatenate(chunks)


def generated_model(data: bytes) -> Any:  # noqa: ANN401  # generated code without types
    """Return the root object as the runtime's own generated code reads it: an oracle for our writer."""
    from ai_edge_litert import schema_py_generated

    assert schema_py_generated.Model.ModelBufferHasIdentifier(data, 0)
    return schema_py_generated.ModelT.InitFromObj(schema_py_generated.Model.GetRootAs(data, 0))
