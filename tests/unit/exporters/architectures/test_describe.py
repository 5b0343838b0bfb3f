from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgeslm_agent.errors import BadCheckpoint, UnsupportedArchitecture, UnsupportedOperator
from edgeslm_exporters.architectures import describe, known, spec_of
from support.checkpoints import CASES, random_weights
from support.tiny import tiny_case

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgeslm_exporters.decoder_spec import DecoderSpec
    from support.checkpoints import Case

DEFAULTED = ("gpt2", "bloom")  # whose published configs leave sizes to their defaults


def shapes(case: Case) -> Mapping[str, tuple[int, ...]]:
    return {name: values.shape for name, values in random_weights(case).items()}


def described(**changes: object) -> DecoderSpec:
    case = tiny_case(**changes)
    return describe(case.config, shapes(case))


def test_every_file_is_a_model_type_of_a_case() -> None:
    assert set(known()) == {case.family for case in CASES}


def test_dimensions_are_read() -> None:
    spec = described()
    assert (spec.layers, spec.hidden, spec.heads, spec.kv_heads, spec.head_size) == (2, 64, 4, 2, 16)
    assert (spec.intermediate, spec.vocab, spec.tied, spec.max_positions) == (172, 97, False, 128)


def test_an_unknown_model_type_names_the_nearest_and_the_route() -> None:
    with pytest.raises(UnsupportedArchitecture) as raised:
        describe({"model_type": "mistral3"}, {})
    assert "nearest known: mistral" in raised.value.message
    assert "architectures/mistral3.py" in raised.value.hint
    assert "edgeslm[optimum]" in raised.value.hint


@pytest.mark.parametrize("model_type", ["__init__", "../llama", "os"])
def test_a_model_type_is_never_a_way_into_other_modules(model_type: str) -> None:
    with pytest.raises(UnsupportedArchitecture):
        describe({"model_type": model_type}, {})


def test_no_model_type_is_a_bad_checkpoint() -> None:
    with pytest.raises(BadCheckpoint, match="model_type is missing"):
        describe({}, {})


@pytest.mark.parametrize("model_type", [name for name in known() if name not in DEFAULTED])
def test_all_missing_keys_are_told_at_once(model_type: str) -> None:
    with pytest.raises(BadCheckpoint) as raised:
        describe({"model_type": model_type}, {})
    for key in ("hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size"):
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


SWITCHED_ON = {"use_sliding_window": True, "sliding_window": 32}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"hidden_act": "mish"}, "hidden_act = 'mish'"),
        ({"rope_scaling": {"rope_type": "axial", "factor": 4.0}}, "rope scaling 'axial'"),
        ({"model_type": "gemma3_text", "use_bidirectional_attention": True}, "use_bidirectional_attention = True"),
        ({"model_type": "qwen2", **SWITCHED_ON, "layer_types": ["chunked_attention"] * 2}, "layers of type 'chunked_"),
    ],
)
def test_a_form_without_an_operator_is_refused_by_name(changes: dict[str, object], named: str) -> None:
    with pytest.raises(UnsupportedOperator, match=named):
        spec_of(tiny_case(**changes).config)


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


def test_every_fourth_layer_of_smollm3_rotates_nothing_unless_they_are_listed() -> None:
    def rotates(**changes: object) -> list[bool]:
        case = tiny_case(model_type="smollm3", num_hidden_layers=5, **changes)
        return [layer.attention.rotary is not None for layer in spec_of(case.config).stack]

    assert rotates() == [True, True, True, False, True]
    assert rotates(no_rope_layer_interval=2) == [True, False, True, False, True]
    assert rotates(no_rope_layers=[0, 1, 1, 1, 0]) == [False, True, True, True, False]
    with pytest.raises(BadCheckpoint, match="no_rope_layers does not have 5 entries"):
        rotates(no_rope_layers=[1])


def test_layers_of_gemma_alternate_and_rotate_by_their_kind() -> None:
    gemma = {"head_dim": 32, "sliding_window": 32}
    spec = spec_of(tiny_case(model_type="gemma2", num_hidden_layers=3, **gemma).config)
    assert windows(spec) == (32, None, 32)
    changes = {"num_hidden_layers": 4, "sliding_window_pattern": 3, "rope_theta": None, **gemma}
    spec = spec_of(tiny_case(model_type="gemma3_text", **changes).config)
    assert windows(spec) == (32, 32, None, 32)
    assert [layer.attention.rotary.theta for layer in spec.stack if layer.attention.rotary] == [1e4, 1e4, 1e6, 1e4]


def test_a_token_of_mixtral_goes_to_some_experts_only() -> None:
    case = tiny_case(model_type="mixtral", num_local_experts=8, num_experts_per_tok=2)
    spec = spec_of(case.config)
    assert sorted({projection.share for projection in spec.projections()}) == [0.25, 1.0]
    with pytest.raises(BadCheckpoint, match="num_experts_per_tok is 9, of 8 experts"):
        spec_of({**case.config, "num_experts_per_tok": 9})
