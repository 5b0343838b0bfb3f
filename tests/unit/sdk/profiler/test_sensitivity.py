from __future__ import annotations

import json

import pytest

from edgeslm.profiler.knapsack import Option
from edgeslm.profiler.sensitivity import Goal, Sensitivity, recipe_of
from edgeslm_agent.errors import NothingFits, UsageError
from edgeslm_exporters.recipe import TENSOR_CLASSES, Quantization, TensorClass

INT4, INT8 = Quantization(4, 32, symmetric=True), Quantization(8, 32, symmetric=True)
FIXED = 1000
COSTS: dict[TensorClass, float] = {"qkv": 0.04, "output": 0.01, "gate_up": 0.02, "down": 0.03, "table": 0.05}
MEASURED = Sensitivity(
    "a calibration text",
    FIXED,
    {name: [Option(INT4, 100, COSTS[name]), Option(INT8, 200, 0.001)] for name in TENSOR_CLASSES},
)


def solved(most_bytes: int) -> str:
    (mix,) = MEASURED.mixes_for(Goal(most_bytes, None))
    return recipe_of(mix).name


def test_more_room_goes_to_the_class_that_loses_most() -> None:
    assert solved(FIXED + 500) == "wi4b32-afp32"
    assert solved(FIXED + 600) == "wi4b32-afp32-hi8b32"
    assert solved(FIXED + 799) == "wi4b32-afp32-qi8b32-hi8b32"
    assert solved(FIXED + 1000) == "wi8b32-afp32"


def test_a_size_too_small_for_all_is_an_answer_with_the_smallest() -> None:
    with pytest.raises(NothingFits, match="no mix of storages fits") as caught:
        MEASURED.mixes_for(Goal(FIXED + 499, None))
    assert caught.value.reasons == ("the smallest takes 1.46 KB",)


def test_a_gate_gets_the_smallest_mix_that_should_pass_and_then_stricter_ones() -> None:
    tries = MEASURED.mixes_for(Goal(None, 0.08))
    assert [recipe_of(mix).name for mix in tries] == [
        "wi4b32-afp32-qi8b32-hi8b32",
        "wi8b32-afp32-oi4b32-gi4b32",
        "wi8b32-afp32-oi4b32",
        "wi8b32-afp32",
    ]
    assert [mix.kld <= bound for mix, bound in zip(tries, (0.08, 0.04, 0.02, 0.01), strict=True)] == [True] * 4


def test_a_gate_no_mix_should_pass_gets_the_most_exact_one() -> None:
    (only,) = MEASURED.mixes_for(Goal(None, 0.0001))
    assert recipe_of(only).name == "wi8b32-afp32"


def test_a_mix_for_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="for a size or for a gate"):
        MEASURED.mixes_for(Goal(None, None))


def test_document_says_what_was_measured_and_why_this_mix() -> None:
    document = json.loads(json.dumps(MEASURED.document(MEASURED.mixes_for(Goal(FIXED + 600, None)))))
    assert document["calibrated_on"] == "a calibration text"
    assert document["mixes"][0]["weights_bytes"] == FIXED + 600
    assert document["mixes"][0]["expected_kld"] == pytest.approx(0.101)
    assert len(document["mixes"][0]["reasons"]) == len(TENSOR_CLASSES)
    assert len(document["sensitivity"]) == 2 * len(TENSOR_CLASSES)
