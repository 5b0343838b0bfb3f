"""The recipes of encoders, in the spelling of `recipe.py`: weights, then activations.

fp32        floats throughout
wi8-afp32   products int8 per output channel, activations quantised as they come; the word table int8 per row
wi8-ai8     the same codes, activations int8 with ranges calibrated on a text: for accelerators that compute nothing
            else, and for runtimes without onnxruntime's own operators
wi8t-ai8    weights with one scale a matrix: for accelerators that know no other; TFLite only

All but fp32 balance the channels of the activations first, which takes a text (balance.py). As TFLite the last two are
integers throughout, in ONNX around the products.
"""

from __future__ import annotations

from typing import Literal, get_args

from edgeslm_agent.errors import UsageError

EncoderRecipe = Literal["fp32", "wi8-afp32", "wi8-ai8", "wi8t-ai8"]
ENCODER_RECIPES: tuple[EncoderRecipe, ...] = get_args(EncoderRecipe)
INTEGER: tuple[EncoderRecipe, ...] = ("wi8-ai8", "wi8t-ai8")  # what a .tflite may be


def parse_encoder_recipe(name: str) -> EncoderRecipe:
    """Return the recipe of that name. Raises UsageError for any other."""
    if name not in ENCODER_RECIPES:
        raise UsageError(f"'{name}' is not a recipe for encoders", f"they are {', '.join(ENCODER_RECIPES)}")
    return name
