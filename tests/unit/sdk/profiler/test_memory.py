from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeslm.profiler.memory import MB, footprint, tokenizer_bytes
from edgeslm_exporters.formats import layout
from edgeslm_exporters.recipe import parse_recipe
from support.specs import HOME, spec_named

SMOLLM = spec_named("smollm2-135m-instruct")


# Peak resident set sizes, MiB, of SmolLM2-135M's shape at nine tenths of its context (bench/results, memory.json).
@pytest.mark.parametrize(
    ("form", "recipe", "context", "chunk", "observed"),
    [
        ("onnx", "fp32", 2048, 128, 737.5),
        ("onnx", "fp16", 256, 128, 704.6),
        ("onnx", "wi8-afp32", 1024, 32, 254.1),
        ("onnx", "wi4b32-afp32", 2048, 512, 278.9),
        ("onnx", "wi4b64-afp32", 256, 32, 161.1),
        ("onnx", "wi4b128-afp32", 1024, 512, 218.6),
        ("onnx", "wi4b32-afp32-kv8", 2048, 128, 193.1),
        ("tflite", "fp16", 256, 128, 862.1),
        ("tflite", "wi8-afp32", 256, 128, 233.4),
        ("tflite", "wi4b32-afp32", 1024, 32, 192.6),
    ],
)
def test_observed_peaks_lie_within_five_per_cent(
    form: str, recipe: str, context: int, chunk: int, observed: float
) -> None:
    places = layout(form, SMOLLM, parse_recipe(recipe), context)
    found = footprint(places, int(0.9 * context) + 16, chunk)
    assert found.peak == pytest.approx(observed * MB, rel=0.05)
    assert found.end(0).peak <= observed * MB <= found.end(1).peak


# Resident sizes of byte-level BPE vocabularies once read, MiB (RssAnon after `FastTokenizer`, heap trimmed).
@pytest.mark.parametrize(
    ("vocab", "observed"), [(1024, 0.7), (4096, 1.5), (32000, 9.3), (49152, 11.3), (65536, 18.4), (151936, 38.5)]
)
def test_a_vocabulary_holds_what_its_tables_take(vocab: int, observed: float) -> None:
    assert tokenizer_bytes(vocab) == pytest.approx(observed * MB, rel=0.03, abs=0.2 * MB)


@given(
    st.sampled_from(["onnx", "tflite"]),
    st.sampled_from(["fp32", "fp16", "wi8-afp32", "wi4b32-afp32"]),
    st.sampled_from([64, 256, 1024]),
    st.integers(1, 1024),
    st.integers(1, 512),
)
def test_more_tokens_and_larger_chunks_never_take_less(
    form: str, recipe: str, context: int, tokens: int, rows: int
) -> None:
    places = layout(form, HOME, parse_recipe(recipe), context)
    tokens = min(tokens, context)
    found = footprint(places, tokens, rows)
    assert found.end(0).peak <= found.peak <= found.end(1).peak
    assert footprint(places, context, rows).peak >= found.peak
    assert footprint(places, tokens, 2 * rows).peak >= found.peak
    assert found.peak > found.runtime + found.weights


def test_a_large_vocabulary_of_a_small_model_peaks_while_it_is_read() -> None:
    places = layout("onnx", HOME, parse_recipe("wi4b32-afp32"), 64)
    wide = footprint(replace(places, spec=replace(places.spec, vocab=500_000)), 64, 8)
    assert wide.peak == wide.reading
