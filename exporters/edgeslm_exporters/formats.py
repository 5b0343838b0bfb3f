"""The formats a decoder can be written in: the layout of each, and why a decoder is not written in one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from edgeslm_exporters.onnx import layout as onnx
from edgeslm_exporters.tflite import layout as tflite

if TYPE_CHECKING:
    from edgeslm_exporters.decoder_spec import DecoderSpec
    from edgeslm_exporters.matrices import AnyLayout
    from edgeslm_exporters.recipe import Recipe

Format = Literal["onnx", "tflite"]
FORMATS: tuple[Format, ...] = get_args(Format)


def layout(form: Format, spec: DecoderSpec, recipe: Recipe, context: int) -> AnyLayout:
    """Return the exact layout of a decoder in a format, under a recipe, for a cache of `context` tokens.

    Raises UnsupportedArchitecture when the recipe rotates what cannot be rotated, UnsupportedOperator where sizes do
    not go together.
    """
    if form == "tflite":
        return tflite.layout(spec, recipe, context)
    return onnx.layout(spec, recipe, context)


def unwritten(form: Format, spec: DecoderSpec, recipe: Recipe) -> tuple[str, ...]:
    """Return every reason why a decoder is not written in a format under a recipe; none means it is."""
    return tflite.refusals(spec, recipe) if form == "tflite" else ()
