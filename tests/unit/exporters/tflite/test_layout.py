"""Which recipes and decoders are written, and why the others are not."""

from __future__ import annotations

from itertools import pairwise

import pytest

from edgeslm_exporters.architectures import spec_of
from edgeslm_exporters.recipe import parse_recipe
from edgeslm_exporters.tflite.layout import ALIGNMENT, PIECE_BYTES, PIECE_ROWS, PIECES, layout, refusals
from support.checkpoints import case_named
from support.tiny import tiny_case

SPEC = spec_of(tiny_case(intermediate_size=128).config)


@pytest.mark.parametrize(
    "recipe", ["fp32", "fp16", "wi8-afp32", "wi4-afp32", "wi4b32-afp32", "wi4b64-afp32", "wi4b32-afp32-hi8"]
)
def test_what_xnnpack_multiplies_is_written(recipe: str) -> None:
    assert refusals(SPEC, parse_recipe(recipe)) == ()


@pytest.mark.parametrize(
    ("recipe", "reason"),
    [
        ("wu4b32-afp32", "no 4 or 8-bit weights with zero points"),
        ("wi8b32-afp32", "one scale a row only"),
        ("wi4b16-afp32", "not 16 in 64"),
        ("wi4b128-afp32", "not 128 in 64"),
        ("wi4b32-afp32-kv8", "the cache of a TFLite decoder is fp32"),
    ],
)
def test_what_falls_off_xnnpack_is_refused_with_its_reason(recipe: str, reason: str) -> None:
    assert any(reason in why for why in refusals(SPEC, parse_recipe(recipe)))


def test_experts_are_refused() -> None:
    assert "experts" in refusals(spec_of(case_named("mixtral").config), parse_recipe("fp32"))[0]


def test_tensors_lie_in_order_without_overlap() -> None:
    tensors = layout(SPEC, parse_recipe("wi4b32-afp32"), 64).tensors
    assert all(tensor.offset % ALIGNMENT == 0 for tensor in tensors)
    assert all(a.offset + a.bytes <= b.offset for a, b in pairwise(tensors))


@pytest.mark.parametrize(("context", "sizes"), [(4, ()), (32, (32,)), (100, (32,)), (128, (32, 128))])
def test_prefill_signatures_fit_the_context(context: int, sizes: tuple[int, ...]) -> None:
    places = layout(SPEC, parse_recipe("fp32"), context)
    assert places.prefill_sizes == sizes
    assert places.score_size == min(context, 8)


@pytest.mark.parametrize("vocab", [65, 49152, 65536, 262144])
@pytest.mark.parametrize("recipe", ["fp32", "fp16", "wi8-afp32", "wi4b32-afp32"])
def test_the_head_is_cut_where_codes_scales_and_biases_are_aligned(vocab: int, recipe: str) -> None:
    places = layout(spec_of(tiny_case(vocab_size=vocab).config), parse_recipe(recipe), 64)
    pieces = places.head_pieces
    assert [row for piece in pieces for row in piece] == list(range(vocab))
    assert len(pieces) <= PIECES
    assert all(piece.start % PIECE_ROWS == 0 for piece in pieces)
    loaded = places.products[-1].loaded_bytes
    assert len(pieces) == 1 or loaded > PIECE_BYTES
    assert len(pieces) == PIECES or loaded // len(pieces) <= PIECE_BYTES
