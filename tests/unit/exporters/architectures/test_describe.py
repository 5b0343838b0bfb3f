from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgeslm_agent.errors import BadCheckpoint, UnsupportedArchitecture, UnsupportedOperator
from edgeslm_exporters.architectures import describe, known
from edgeslm_exporters.decoder_spec import DecoderSpec, RopeScaling, Rotary
from support.checkpoints import random_weights
from support.tiny import tiny_case

if TYPE_CHECKING:
    from collections.abc import Mapping

    from support.checkpoints import Case


def shapes(case: Case) -> Mapping[str, tuple[int, ...]]:
    return {name: values.shape for name, values in random_weights(case).items()}


def described(**changes: object) -> DecoderSpec:
    case = tiny_case(**changes)
    return describe(case.config, shapes(case))


def test_every_file_is_a_model_type() -> None:
    assert known() == ("llama", "mistral", "qwen2")


def test_dimensions_are_read() -> None:
    spec = described()
    assert (spec.layers, spec.hidden, spec.heads, spec.kv_heads, spec.head_size) == (2, 64, 4, 2, 16)
    assert (spec.intermediate, spec.vocab, spec.tied, spec.max_positions) == (172, 97, False, 128)


@pytest.mark.parametrize("model_type", known())
@pytest.mark.parametrize("tied", [False, True])
def test_parameters_are_counted_exactly(model_type: str, *, tied: bool) -> None:
    case = tiny_case(model_type=model_type, tie_word_embeddings=tied)
    weights = random_weights(case)
    assert describe(case.config, shapes(case)).parameters == sum(values.size for values in weights.values())


def test_an_unknown_model_type_names_the_nearest_and_the_route() -> None:
    with pytest.raises(UnsupportedArchitecture) as raised:
        describe({"model_type": "mixtral"}, {})
    assert "nearest known: mistral" in raised.value.message
    assert "architectures/mixtral.py" in raised.value.hint


@pytest.mark.parametrize("model_type", ["__init__", "../llama", "os"])
def test_a_model_type_is_never_a_way_into_other_modules(model_type: str) -> None:
    with pytest.raises(UnsupportedArchitecture):
        describe({"model_type": model_type}, {})


def test_no_model_type_is_a_bad_checkpoint() -> None:
    with pytest.raises(BadCheckpoint, match="model_type is missing"):
        describe({}, {})


@pytest.mark.parametrize("model_type", known())
def test_all_missing_keys_are_told_at_once(model_type: str) -> None:
    with pytest.raises(BadCheckpoint) as raised:
        describe({"model_type": model_type}, {})
    for key in ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "vocab_size"):
        assert f"{key} is missing" in raised.value.message


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("hidden_size", "64"),
        ("num_hidden_layers", 0),
        ("num_hidden_layers", 10**9),
        ("vocab_size", True),
        ("rms_norm_eps", -1),
        ("rope_theta", "x"),
    ],
)
def test_a_key_of_another_type_is_told_with_its_value(key: str, value: object) -> None:
    case = tiny_case()
    with pytest.raises(BadCheckpoint, match=f"{key} is {value!r}"):
        describe({**case.config, key: value}, shapes(case))


def test_a_tensor_of_another_shape_is_told_with_both_shapes() -> None:
    case = tiny_case()
    found = {**shapes(case), "model.layers.1.mlp.up_proj.weight": (170, 64)}
    expected = r"model\.layers\.1\.mlp\.up_proj\.weight is \[170, 64\], config\.json implies \[172, 64\]"
    with pytest.raises(BadCheckpoint, match=expected):
        describe(case.config, found)


def test_missing_tensors_are_told_by_name_and_not_by_the_thousand() -> None:
    with pytest.raises(BadCheckpoint) as raised:
        describe(tiny_case().config, {})
    assert "model.embed_tokens.weight is missing" in raised.value.message
    assert raised.value.message.count("is missing") == 8
    assert "more" in raised.value.message


@pytest.mark.parametrize("size", [4, 12, 20, 100])
def test_heads_that_the_attention_operator_refuses_are_refused_by_name(size: int) -> None:
    with pytest.raises(UnsupportedOperator, match=f"heads of {size}"):
        described(head_dim=size)


def test_heads_that_cannot_share_are_a_bad_checkpoint() -> None:
    with pytest.raises(BadCheckpoint, match="4 query heads cannot share 3"):
        described(num_key_value_heads=3)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"hidden_act": "mish"}, "hidden_act = 'mish'"),
        ({"rope_scaling": {"rope_type": "axial", "factor": 4.0}}, "rope scaling 'axial'"),
    ],
)
def test_a_form_without_an_operator_is_refused_by_name(changes: dict[str, object], named: str) -> None:
    with pytest.raises(UnsupportedOperator, match=named):
        described(**changes)


LLAMA3 = {
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}


@pytest.mark.parametrize(
    "changes",
    [
        {"rope_theta": 5e5, "rope_scaling": {"rope_type": "llama3", **LLAMA3}},
        {"rope_theta": None, "rope_parameters": {"rope_theta": 5e5, "rope_type": "llama3", **LLAMA3}},
    ],
)
def test_both_spellings_of_rope_mean_the_same(changes: dict[str, object]) -> None:
    spec = described(**changes)
    assert spec.rotaries == (Rotary(5e5, 16, RopeScaling("llama3", 8.0, 1.0, 4.0, 64)),)


def test_rope_scaling_without_a_factor_is_a_bad_checkpoint() -> None:
    with pytest.raises(BadCheckpoint, match="rope factor is missing"):
        described(rope_scaling={"type": "linear"})


def windows(spec: DecoderSpec) -> tuple[int | None, ...]:
    return tuple(layer.attention.window for layer in spec.stack)


def test_a_mistral_window_holds_for_every_layer() -> None:
    assert windows(described(model_type="mistral", sliding_window=32)) == (32, 32)
    assert windows(described(model_type="mistral", sliding_window=None)) == (None, None)


def test_a_qwen2_window_holds_from_its_first_layer_and_only_when_switched_on() -> None:
    window = {"sliding_window": 32, "max_window_layers": 1}
    assert windows(described(model_type="qwen2", use_sliding_window=True, **window)) == (None, 32)
    assert windows(described(model_type="qwen2", use_sliding_window=False, **window)) == (None, None)


def test_qwen2_layer_types_say_which_layers_have_the_window() -> None:
    kinds = ["sliding_attention", "full_attention"]
    changes = {"use_sliding_window": True, "sliding_window": 32, "layer_types": kinds}
    assert windows(described(model_type="qwen2", **changes)) == (32, None)
    with pytest.raises(BadCheckpoint, match="layer_types"):
        described(model_type="qwen2", **{**changes, "layer_types": kinds[:1]})
