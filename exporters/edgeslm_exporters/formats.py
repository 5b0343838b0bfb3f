"""The formats a decoder can be written in: the layout of each, its linter, and why a decoder is not written in one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm_exporters.onnx import layout as onnx
from edgeslm_exporters.tflite import layout as tflite

if TYPE_CHECKING:
    from pathlib import Path

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


def unwritten(form: str, spec: DecoderSpec, recipe: Recipe) -> tuple[str, ...]:
    """Return every reason why a decoder is not written in a format under a recipe; none means it is."""
    return tflite.refusals(spec, recipe) if form == "tflite" else ()
