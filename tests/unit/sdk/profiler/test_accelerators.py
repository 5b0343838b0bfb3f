"""What accelerators could run: facts from the files and the profiles, rules held against every board."""

from __future__ import annotations

import json

import pytest

from edgeslm.catalog import device, devices
from edgeslm.catalog.accelerators import drivers, mentions
from edgeslm.profiler.accelerators import NOT_BUILT, memory_of
from edgeslm.profiler.aim import Aim, Limits
from edgeslm.profiler.plan import plan
from edgeslm_exporters.formats import FORMATS
from edgeslm_exporters.recipe import parse_recipe
from support.plans import MODEL, plan_for
from support.specs import HOME, spec_named

# What each kind of accelerator that the field names must be met by on a board that has it.
EXPECTED = {
    "jetson-nano": {"cuda", "tensorrt"},
    "jetson-orin-nano-8gb": {"cuda", "tensorrt"},
    "intel-nuc-core-ultra": {"openvino"},
    "qualcomm-rb3-gen2": {"qnn"},
    "android-flagship-sd8gen3": {"qnn", "nnapi"},
    "coral-dev-board": {"edgetpu"},
    "nxp-imx8m-plus": {"vx-delegate"},
    "nxp-imx93": {"ethos-u"},
    "rk3588": {"rknn", "rkllm"},
    "hailo-10h": {"hailo"},
    "beaglebone-ai64": {"tidl"},
    "raspberry-pi-5": set(),
}


@pytest.mark.parametrize("board", EXPECTED)
def test_a_boards_drivers_are_those_its_profile_speaks_of(board: str) -> None:
    found = mentions(device(board))
    assert {mention.driver.name for mention in found} >= EXPECTED[board]
    for mention in found:
        said = device(board).works if mention.works else device(board).not_working
        assert mention.says in said


def test_every_driver_is_met_on_some_board() -> None:
    met = {mention.driver.name for board in devices() for mention in mentions(device(board))}
    assert met == {driver.name for driver in drivers()}


def test_the_forms_that_drivers_need_are_none_that_is_written_here() -> None:
    for driver in drivers():
        parse_recipe(driver.form.like)  # whose bytes it has, so this one must exist
        planned = plan_for("raspberry-pi-5")
        assert (driver.form.recipe, driver.form.format) not in {(c.recipe, c.format) for c in planned.candidates}


def test_a_form_nobody_builds_stands_in_the_plan_with_the_reason() -> None:
    planned = plan_for("jetson-orin-nano-8gb")
    forms = {candidate.variant: candidate for candidate in planned.candidates if candidate.format not in FORMATS}
    cuda = forms[f"{MODEL}_wi4b32-afp16_onnx-cuda_2k"]
    assert not cuda.kept
    assert cuda.reasons[0].startswith(f"{NOT_BUILT}: CUDA execution provider")
    assert "activations and KV cache fp16" in cuda.reasons[0]
    like = next(candidate for candidate in planned.candidates if candidate.recipe == "wi4b32-afp32")
    assert cuda.estimate == like.estimate
    assert like.variant in cuda.reasons[1]


def test_what_a_profile_says_does_not_work_is_said_in_its_words() -> None:
    planned = plan_for("android-flagship-sd8gen3")
    (nnapi,) = [entry for entry in planned.accelerators if entry.driver == "nnapi"]
    assert not nnapi.works
    assert nnapi.says in device("android-flagship-sd8gen3").not_working
    assert {placement.runs for placement in nnapi.placements} == {"none"}
    form = next(candidate for candidate in planned.candidates if candidate.variant == nnapi.form)
    assert any(nnapi.says in reason for reason in form.reasons)


def test_every_kept_variant_is_placed_with_the_reason_of_what_falls_back() -> None:
    planned = plan("home", HOME, device("jetson-orin-nano-8gb"), formats=FORMATS)
    assert planned.accelerators
    for entry in planned.accelerators:
        assert [placement.variant for placement in entry.placements] == [c.variant for c in planned.kept]
        assert all("CPU" in placement.falls_back for placement in entry.placements)
    (cuda,) = [entry for entry in planned.accelerators if entry.driver == "cuda"]
    placed = {placement.variant: placement for placement in cuda.placements}
    assert "GroupQueryAttention" in placed["home_wi4b32-afp32_onnx_256"].falls_back
    assert placed["home_wi4b32-afp32_onnx_256"].runs == "part"
    assert placed["home_wi4b32-afp32_tflite_256"].falls_back == "everything runs on the CPU: it reads no tflite"


def test_memory_shared_with_the_cpu_is_one_budget() -> None:
    nano = device("jetson-nano")
    assert memory_of(nano) == "shared with the CPU: one budget of 2.73 GB for both"
    assert memory_of(device("coral-dev-board")).startswith("its own: 8 MB SRAM")
    assert memory_of(device("hailo-10h")).startswith("unknown")


def test_named_recipes_are_all_there_is_and_limits_name_no_form_as_their_price() -> None:
    named = plan("m", spec_named(MODEL), device("jetson-orin-nano-8gb"), recipes=["wi4b32-afp32"])
    assert [candidate.recipe for candidate in named.candidates] == ["wi4b32-afp32"]
    assert named.accelerators
    tight = plan("m", spec_named(MODEL), device("jetson-orin-nano-8gb"), aim=Aim(limits=Limits(memory_bytes=10**7)))
    forms = {candidate.variant for candidate in tight.candidates if candidate.format not in FORMATS}
    assert forms
    assert not forms & {price.wins for price in tight.prices}


@pytest.mark.slow
@pytest.mark.parametrize("board", devices())
def test_every_boards_plan_is_a_document(board: str) -> None:
    document = plan("home", HOME, device(board)).document()
    json.dumps(document, allow_nan=False)
    forms = [entry["form"] for entry in document["accelerators"]]
    kept = {candidate["variant"]: candidate["kept"] for candidate in document["candidates"]}
    assert [kept[form] for form in forms] == [False] * len(forms)
