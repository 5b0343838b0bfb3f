from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from edgeslm_agent.errors import UnsupportedOperator
from edgeslm_exporters.architectures import spec_of
from edgeslm_exporters.matrices import resolve
from edgeslm_exporters.onnx.layout import ALIGNMENT, POSITIONS, Layout, layout
from edgeslm_exporters.quantized_rows import Blocks
from edgeslm_exporters.recipe import Quantization, parse_recipe
from support.checkpoints import case_named
from support.tiny import tiny_case


def layout_of(recipe: str, context: int = 64, **changes: object) -> Layout:
    return layout(spec_of(tiny_case(**changes).config), parse_recipe(recipe), context)


def test_tensors_lie_on_pages_one_after_another() -> None:
    tensors = layout_of("wi4b32-afp32").tensors
    assert all(tensor.offset % ALIGNMENT == 0 for tensor in tensors)
    assert all(one.offset + one.bytes <= other.offset for one, other in pairwise(tensors))
    assert len({tensor.name for tensor in tensors}) == len(tensors)


def test_the_cache_takes_two_floats_a_layer_head_and_token() -> None:
    assert layout_of("fp32", context=10).kv_cache_bytes == 2 * 2 * 2 * 16 * 10 * 4


@pytest.mark.parametrize(("recipe", "share"), [("wi4b32-afp32-kv8", 4), ("wi4b32-afp32-kv4", 8)])
def test_a_quantised_cache_takes_a_share_of_that_and_two_pages_of_scales_a_layer(recipe: str, share: int) -> None:
    plain, small = layout_of("wi4b32-afp32"), layout_of(recipe)
    assert plain.kv_cache_bytes == share * small.kv_cache_bytes
    assert small.weights_bytes - plain.weights_bytes == 2 * 2 * ALIGNMENT
    assert small.by_name["layers.1.value_scales"].shape == (1, 2, 1, 16)
    assert small.min_onnxruntime == "1.27"


def test_two_values_to_a_byte_need_heads_of_even_size() -> None:
    with pytest.raises(UnsupportedOperator, match="heads of 7 values"):
        layout(replace(spec_of(tiny_case().config), head_size=7), parse_recipe("wi4b32-afp32-kv4"), 64)


@pytest.mark.parametrize(
    ("recipe", "bits"), [("fp32", 32.0), ("fp16", 16.0), ("wi4b32-afp32", 5.0), ("wi8b32-afp32", 9.0)]
)
def test_effective_bits_count_scales(recipe: str, bits: float) -> None:
    assert layout_of(recipe, intermediate_size=192, vocab_size=96).effective_bits == bits


def test_effective_bits_count_padding() -> None:
    assert layout_of("wi4b128-afp32", intermediate_size=192).effective_bits > 4.5


@pytest.mark.parametrize(("columns", "block"), [(576, 64), (1536, 256), (2048, 256), (48, 16), (172, 16), (80, 16)])
def test_one_scale_a_row_uses_the_largest_block_that_divides_it(columns: int, block: int) -> None:
    assert resolve(Quantization(8, None, symmetric=True), columns) == Blocks(8, block, symmetric=True, per_row=True)


def test_a_tied_table_is_stored_once_and_multiplied_by_twice_named() -> None:
    tied, untied = (layout_of("wi4b32-afp32", tie_word_embeddings=tied) for tied in (True, False))
    assert untied.weights_bytes > tied.weights_bytes
    assert tied.matmuls == untied.matmuls
    assert tied.matmuls[-1] == (97, 64, 4, 32)


def test_the_table_of_an_untied_model_follows_the_recipe_of_the_table() -> None:
    places = layout_of("wi4b32-afp32-hi8b64")
    assert places.head is not None
    assert [matrix.bits for matrix in (places.table, places.head, places.projections[0])] == [8, 8, 4]


def test_fp16_is_priced_as_the_fp32_it_becomes() -> None:
    half, whole = layout_of("fp16"), layout_of("fp32")
    assert half.weights_bytes < whole.weights_bytes
    assert half.decode_read_bytes == whole.decode_read_bytes


def test_activations_grow_with_the_chunk() -> None:
    places = layout_of("fp32")
    assert places.activation_bytes(128, 128) > places.activation_bytes(8, 128) > places.activation_bytes(1, 1) > 4 * 97
    assert places.activation_bytes(8, 64) == places.activation_bytes(8, 8), "scores are computed in tiles"


def test_heads_that_are_multiples_of_16_are_rotated_inside_attention() -> None:
    assert layout_of("fp32", head_dim=32).fused_rotary
    assert not layout_of("fp32", head_dim=24).fused_rotary


@pytest.mark.parametrize(("share", "inside"), [(1.0, True), (0.5, True), (0.25, False)])
def test_a_rotation_of_less_than_16_values_lies_outside_attention(share: float, *, inside: bool) -> None:
    places = layout_of("fp32", head_dim=32, partial_rotary_factor=share)
    assert places.fused_rotary == inside
    assert places.position_ids == (not inside)
    assert places.by_name["rotary.cos"].shape == (64, 16 * share)


def test_tables_are_stored_once_for_each_rotation() -> None:
    heads = {"head_dim": 32, "sliding_window": 8, "rope_theta": 1e6}
    case = tiny_case(model_type="gemma3_text", num_hidden_layers=7, **heads)
    places = layout(spec_of(case.config), parse_recipe("fp32"), 64)
    tables = [name for name in places.by_name if name.startswith("rotary")]
    assert tables == ["rotary.cos", "rotary.sin", "rotary.1.cos", "rotary.1.sin"]


def test_learned_positions_are_stored_as_far_as_the_cache_reaches() -> None:
    case = case_named("opt")
    spec = spec_of(case.config)
    places = layout(spec, parse_recipe("wi4b32-afp32"), 24)
    assert places.by_name[POSITIONS].shape == (24, spec.hidden)
    assert places.position_ids
    assert not places.spec.rotaries


def test_a_token_reads_the_experts_it_chose_and_memory_holds_them_all() -> None:
    case = case_named("mixtral")
    places = layout(spec_of(case.config), parse_recipe("fp32"), 64)
    experts = [matrix for matrix in places.projections if ".experts." in matrix.projection.name]
    held, read = sum(matrix.bytes for matrix in places.products), places.decode_read_bytes
    share = case.config["num_experts_per_tok"] / case.config["num_local_experts"]
    assert read == held - (1 - share) * sum(matrix.bytes for matrix in experts)
    assert places.loaded_bytes > held


def test_a_router_is_never_quantised() -> None:
    places = layout(spec_of(case_named("mixtral").config), parse_recipe("wi4b32-afp32"), 64)
    kept = [matrix.projection.name for matrix in places.matrices if matrix.storage == "fp32"]
    assert kept == ["layers.0.router", "layers.1.router"]


def test_a_bias_on_the_scores_counts_as_memory() -> None:
    with_slopes = layout(spec_of(case_named("bloom").config), parse_recipe("fp32"), 64)
    heads = with_slopes.spec.heads
    assert with_slopes.activation_bytes(16, 64) > 2 * 4 * 16 * 64 * heads
    windowed, full = (layout_of("fp32", model_type="mistral", sliding_window=window) for window in (8, None))
    assert windowed.activation_bytes(16, 64) > full.activation_bytes(16, 64)


@pytest.mark.parametrize(
    ("recipe", "window", "version"),
    [
        ("fp32", None, "1.20"),
        ("wi4b32-afp32", None, "1.20"),
        ("wu4b32-afp32", 64, "1.20"),
        ("wu4b32-afp32", 63, "1.22"),
        ("wi4b32-afp32-hi8b32", None, "1.23"),
    ],
)
def test_the_runtime_a_graph_needs_follows_its_operators(recipe: str, window: int | None, version: str) -> None:
    places = layout_of(recipe, context=64, model_type="mistral", sliding_window=window)
    assert places.min_onnxruntime == version


def test_slopes_need_the_runtime_whose_attention_takes_a_bias() -> None:
    assert layout(spec_of(case_named("bloom").config), parse_recipe("fp32"), 64).min_onnxruntime == "1.22"
