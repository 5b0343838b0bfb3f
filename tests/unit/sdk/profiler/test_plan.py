from __future__ import annotations

import json

import pytest

from edgeslm.catalog import device, devices
from edgeslm.profiler.aim import OBJECTIVES, Aim, Objective
from edgeslm.profiler.candidate import Candidate, variant_name
from edgeslm.profiler.plan import Plan, plan
from edgeslm_agent.errors import NothingFits, UsageError
from edgeslm_exporters.architectures import spec_of
from edgeslm_exporters.formats import FORMATS
from edgeslm_exporters.onnx.layout import layout
from edgeslm_exporters.recipe import parse_recipe
from support.plans import MODEL, plan_for
from support.published import published
from support.specs import HOME, spec_named

CONTRACT_KEYS = {"variant", "recipe", "format", "kept", "reasons", "estimate"}
ESTIMATE_KEYS = {
    "weights_bytes", "kv_cache_bytes", "activations_bytes", "runtime_bytes", "peak_bytes", "decode_tps", "prefill_tps",
    "first_token_s",
}  # fmt: skip
FIGURE_KEYS = {"value", "low", "high", "unit", "basis", "on"}


@pytest.mark.slow
@pytest.mark.parametrize("board", [name for name in devices() if not device(name).target().int8_dot_product])
def test_board_without_dot_product_never_runs_8_bit(board: str) -> None:
    planned = plan_for(board)
    assert not [candidate for candidate in planned.kept if "i8" in candidate.recipe]
    dropped = [candidate for candidate in written(planned) if "i8" in candidate.recipe]
    assert dropped
    assert all(any("dot product" in reason for reason in candidate.reasons) for candidate in dropped)


def test_jetson_nano_gets_a_4_bit_variant_first() -> None:
    assert plan_for("jetson-nano").kept[0].recipe.startswith("wi4")


def test_every_recipe_is_a_candidate_once_and_kept_ones_have_no_reasons() -> None:
    planned = plan_for("raspberry-pi-5")
    names = [candidate.variant for candidate in planned.candidates]
    assert len(names) == len(set(names)) >= 7
    assert all(candidate.kept is not bool(candidate.reasons) for candidate in planned.candidates)


def written(planned: Plan) -> list[Candidate]:
    """Return the candidates that an exporter here writes; accelerators need other forms."""
    return [candidate for candidate in planned.candidates if candidate.format in FORMATS]


def test_bytes_are_those_of_the_layout() -> None:
    for candidate in written(plan_for("rk3588")):
        places = layout(spec_named(MODEL), parse_recipe(candidate.recipe), candidate.context)
        assert candidate.estimate.weights_bytes.value == places.weights_bytes
        assert candidate.estimate.kv_cache_bytes.value == places.kv_cache_bytes


def test_nothing_fits_names_every_candidate_with_every_reason() -> None:
    planned = plan_for("raspberry-pi-zero-2-w", "tinyllama-1.1b-chat")
    assert planned.kept == ()
    with pytest.raises(NothingFits) as caught:
        planned.require_kept()
    assert caught.value.exit_code == 1
    for candidate in planned.candidates:
        assert [reason for reason in caught.value.reasons if reason.startswith(candidate.variant + ": ")]
    assert any("dot product" in reason for reason in caught.value.reasons)
    assert any("at its peak" in reason for reason in caught.value.reasons)


def test_memory_counts_by_the_upper_end_of_the_peak() -> None:
    planned = plan_for("raspberry-pi-5", memory="1GB")
    for candidate in planned.candidates:
        assert candidate.kept is (candidate.estimate.peak_bytes.high <= planned.app_budget_bytes)
    assert planned.kept
    assert len(planned.kept) < len(planned.candidates)


def test_board_without_a_runtime_drops_everything() -> None:
    planned = plan_for("riscv-visionfive2")
    assert not planned.kept
    assert all("no onnxruntime" in candidate.reasons[0] for candidate in planned.candidates)


def test_default_context_is_the_models_when_it_is_short() -> None:
    planned = plan("home", HOME, device("jetson-nano"))
    assert planned.context == 256
    assert planned.kept[0].variant.endswith("_onnx_256")
    assert plan_for("jetson-nano").context == 2048


def test_context_beyond_the_models_is_dropped() -> None:
    planned = plan("home", HOME, device("jetson-nano"), context=512)
    assert all("context 512 is more than the model's 256" in candidate.reasons for candidate in written(planned))


def test_variant_is_named_after_its_parts() -> None:
    assert variant_name("home", "wi4b32-afp32", "onnx", 256) == "home_wi4b32-afp32_onnx_256"
    assert variant_name("m", "fp32", "onnx", 2048) == "m_fp32_onnx_2k"


def test_both_formats_are_priced() -> None:
    planned = plan("home", HOME, device("rk3588"), recipes=["wi4b32-afp32"], formats=("onnx", "tflite"))
    found = {candidate.format: candidate for candidate in planned.candidates}
    assert found["onnx"].kept
    assert found["tflite"].kept
    assert found["tflite"].estimate.weights_bytes.value < found["onnx"].estimate.weights_bytes.value


@pytest.mark.parametrize(
    ("board", "reason"),
    [("snapdragon-x-elite", "no Windows arm64 wheel"), ("riscv-visionfive2", "no riscv64 wheel")],
)
def test_tflite_is_dropped_where_its_runtime_cannot_be_installed(board: str, reason: str) -> None:
    (candidate,) = plan("home", HOME, device(board), recipes=["fp32"], formats=("tflite",)).candidates
    assert any(reason in why for why in candidate.reasons)


def test_tflite_is_kept_where_a_python_beside_the_systems_takes_its_runtime() -> None:
    (candidate,) = plan("home", HOME, device("jetson-nano"), recipes=["fp32"], formats=("tflite",)).candidates
    assert candidate.kept


def test_what_tflite_does_not_write_is_dropped_with_the_reason() -> None:
    (candidate,) = plan("home", HOME, device("rk3588"), recipes=["wu4b32-afp32"], formats=("tflite",)).candidates
    assert not candidate.kept
    assert "no 4 or 8-bit weights with zero points" in candidate.reasons[0]


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_kept_come_in_the_order_of_the_objective(objective: Objective) -> None:
    kept = plan(MODEL, spec_named(MODEL), device("raspberry-pi-5"), aim=Aim(objective)).kept
    best = kept[0]
    if objective in {"speed", "decode"}:
        assert best.estimate.decode_tps.value >= 0.9 * max(c.estimate.decode_tps.value for c in kept)
    elif objective == "first-token":
        assert best.estimate.first_token_s.value <= 1.1 * min(c.estimate.first_token_s.value for c in kept)
    elif objective == "memory":
        assert best.estimate.peak_bytes.value <= 1.1 * min(c.estimate.peak_bytes.value for c in kept)
    elif objective == "quality":
        assert best.recipe in {"fp16", "fp32"}
    else:
        assert best.read_bytes <= 1.1 * min(c.read_bytes for c in kept)


def test_repeated_and_unknown_names() -> None:
    planned = plan("home", HOME, device("rk3588"), recipes=["fp32", "wfp32-afp32", "fp32"])
    assert [candidate.recipe for candidate in planned.candidates] == ["fp32"]
    with pytest.raises(UsageError, match="not a recipe"):
        plan("home", HOME, device("rk3588"), recipes=["int4"])
    with pytest.raises(UsageError, match="no format"):
        plan("home", HOME, device("rk3588"), formats=("gguf",))
    with pytest.raises(UsageError, match="at least one token"):
        plan("home", HOME, device("rk3588"), context=0)


def test_document_has_the_keys_of_the_contract_and_is_json() -> None:
    document = json.loads(json.dumps(plan_for("jetson-nano").document()))
    for candidate in document["candidates"]:
        assert set(candidate) >= CONTRACT_KEYS
        known = {name: figure for name, figure in candidate["estimate"].items() if figure is not None}
        assert set(known) == ESTIMATE_KEYS, "sustained speed and energy are null where no fact says them"
        assert all(set(figure) == FIGURE_KEYS for figure in known.values())
        assert "measured" not in candidate


def test_equal_inputs_give_equal_plans() -> None:
    assert plan_for("jetson-nano") == plan_for("jetson-nano")


def test_an_8_bit_cache_is_offered_where_the_cache_of_floats_does_not_fit() -> None:
    """Phi-2's heads all have keys of their own: 1.3 GB of floats for 2048 tokens."""
    model = spec_of(published()["phi-2"].config)
    roomy, tight = (plan("phi-2", model, device("raspberry-pi-5", memory=memory)) for memory in ("16GB", "3GB"))
    assert not [candidate for candidate in roomy.kept if "-kv8" in candidate.recipe]
    offered = {candidate.recipe for candidate in tight.candidates if "-kv8" in candidate.recipe}
    assert offered
    assert offered == {candidate.recipe for candidate in tight.kept}
