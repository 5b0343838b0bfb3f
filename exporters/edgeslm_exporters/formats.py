"""The formats a decoder can be written in: the layout of each, its linter and runtime, and why one is not written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm_exporters.onnx import layout as onnx
from edgeslm_exporters.tflite import layout as tflite

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from edgeslm_exporters.decoder_spec import DecoderSpec
    from edgeslm_exporters.matrices import AnyLayout
    from edgeslm_exporters.recipe import Recipe
    from edgeslm_exporters.target import Target

FORMATS = ("onnx", "tflite")


def layout(form: str, spec: DecoderSpec, recipe: Recipe, context: int) -> AnyLayout:
    """Return the exact layout of a decoder in a format, under a recipe, for a cache of `context` tokens.

    Raises UnsupportedArchitecture when the recipe rotates what cannot be rotated, UnsupportedOperator where sizes do
    not go together.
    """
    if form == "tflite":
        return tflite.layout(spec, recipe, context)
    return onnx.layout(spec, recipe, context)


def lint(graph: Path, target: Target) -> tuple[str, ...]:
    """Return every slow or unsafe form of a written graph for `target`; none means it may ship."""
    if graph.suffix == ".tflite":
        from edgeslm_exporters.tflite.linter import lint as lint_tflite

        return lint_tflite(graph)
    from edgeslm_exporters.onnx.linter import lint as lint_onnx

    return lint_onnx(graph, target)


def load_runtime(form: str) -> None:
    """Load the runtime of a format; raises MissingExtra or Incompatible as opening a graph does."""
    if form == "tflite":
        from edgeslm_agent.engine.runtime.litert import load_litert

        load_litert()
    else:
        from edgeslm_agent.engine.runtime.onnx import load_onnxruntime

        load_onnxruntime()


def last_logits(places: AnyLayout, folder: Path, prompts: Sequence[Sequence[int]]) -> Iterable[NDArray[np.float32]]:
    """Return the logits [vocab] that follow each prompt, from the artefacts in `folder`; raises as its runtime does."""
    if isinstance(places, tflite.Layout):
        from edgeslm_exporters.tflite.answers import last_logits as of_tflite

        return of_tflite(places, folder, prompts)
    from edgeslm_exporters.onnx.stages import last_logits as of_onnx

    assert isinstance(places, onnx.Layout)
    return of_onnx(places, folder, prompts)


def unwritten(form: str, spec: DecoderSpec, recipe: Recipe) -> tuple[str, ...]:
    """Return every reason why a decoder is not written in a format under a recipe; none means it is."""
    return tflite.refusals(spec, recipe) if form == "tflite" else ()
