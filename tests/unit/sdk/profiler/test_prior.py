from __future__ import annotations

import pytest

from edgeslm.profiler.prior import weight_error
from edgeslm_exporters.onnx.layout import layout
from edgeslm_exporters.recipe import parse_recipe
from support.specs import spec_named


def error(recipe: str) -> float:
    return weight_error(layout(spec_named("smollm2-135m-instruct"), parse_recipe(recipe), 256))


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ("fp32", "fp16"),
        ("fp16", "wi8b32-afp32"),
        ("wi8b32-afp32", "wi8-afp32"),
        ("wi8-afp32", "wu4b32-afp32"),
        ("wi4b32-afp32-hi8b32", "wi4b32-afp32"),
        ("wu4b32-afp32", "wi4b32-afp32"),
        ("wi4b32-afp32", "wi4b64-afp32"),
        ("wi4b64-afp32", "wi4b128-afp32"),
    ],
)
def test_recipes_are_ordered_by_what_they_leave_of_the_weights(better: str, worse: str) -> None:
    assert error(better) < error(worse)
