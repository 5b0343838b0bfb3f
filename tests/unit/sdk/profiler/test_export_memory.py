from __future__ import annotations

import pytest

from edgeslm.profiler.export_memory import MB, Stage, largest_stage
from edgeslm_exporters.onnx.layout import layout
from edgeslm_exporters.recipe import parse_recipe
from support.specs import HOME, spec_named


def peak(model: str, recipe: str, context: int, *, compared: bool) -> Stage:
    spec = HOME if model == "home" else spec_named(model)
    places, reference = (layout(spec, parse_recipe(name), context) for name in (recipe, "fp32"))
    return largest_stage(places, reference, compared=compared)


@pytest.mark.parametrize(
    ("model", "recipe", "context", "compared", "seen"),
    [  # peaks of anonymous memory observed with onnxruntime 1.31.1
        ("home", "wi4b32-afp32", 256, False, 45_600_000),
        ("home", "wi4b32-afp32", 256, True, 60_200_000),
        ("smollm2-135m-instruct", "wi4b32-afp32", 1024, False, 158_300_000),
        ("smollm2-135m-instruct", "fp32", 1024, False, 209_800_000),
        ("tinyllama-1.1b-chat", "wi4b32-afp32", 1024, False, 201_000_000),
    ],
)
def test_the_peak_is_an_upper_end_and_no_wild_one(
    model: str, recipe: str, context: int, compared: bool, seen: int
) -> None:
    assert seen <= peak(model, recipe, context, compared=compared).bytes <= 1.5 * seen + 48 * MB


def test_the_comparison_with_fp32_is_what_takes_most() -> None:
    alone = peak("smollm2-135m-instruct", "wi4b32-afp32", 1024, compared=False)
    beside = peak("smollm2-135m-instruct", "wi4b32-afp32", 1024, compared=True)
    assert alone.what == "running the self-test"
    assert beside.what == "comparing with the fp32 reference"
    assert beside.bytes > 4 * 135_000_000 + alone.bytes - 64 * MB


def test_a_stage_reads_as_part_of_a_sentence() -> None:
    assert str(Stage("writing the weights", 96 * MB)) == "writing the weights takes up to 96.0 MB"
