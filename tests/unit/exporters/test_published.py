"""Well-known models are priced to the unit from their published config.json; transformers counted them in make.py."""

from __future__ import annotations

import math

import pytest

from edgeslm_agent.errors import UnsupportedOperator
from edgeslm_exporters.architectures import describe, known, spec_of
from support.published import PublishedModel, published
from support.tensor_shapes import head_size, kv_heads, layer_count, tensor_shapes

MODELS = published()
EXPORTED = [model for model in MODELS.values() if model.refusal is None]
REFUSED = [model for model in MODELS.values() if model.refusal is not None]
# KiB of float32 cache a token, worked out by hand from the models' cards.
CACHE_KIB = {
    "qwen2.5-0.5b": 24,
    "tinyllama-1.1b-chat": 44,
    "smollm2-135m": 45,
    "llama-3.2-1b": 64,
    "gemma-2-2b": 208,
    "mistral-7b-v0.1": 256,
    "stablelm-2-1.6b": 384,
    "phi-2": 640,
    "llama-2-7b": 1024,
}
each_model = pytest.mark.parametrize("model", EXPORTED, ids=lambda model: model.name)


@each_model
def test_parameters_are_those_that_transformers_counts(model: PublishedModel) -> None:
    spec = describe(model.config, tensor_shapes(model.config))
    assert spec.parameters == model.parameters
    assert spec.parameters == sum(math.prod(shape) for shape in tensor_shapes(model.config).values())


@each_model
def test_the_config_alone_says_as_much_as_with_the_tensors(model: PublishedModel) -> None:
    assert spec_of(model.config) == describe(model.config, tensor_shapes(model.config))


@each_model
def test_cache_of_a_token_is_keys_and_values_of_every_layer(model: PublishedModel) -> None:
    config = model.config
    expected = layer_count(config) * 2 * kv_heads(config) * head_size(config) * 4
    assert spec_of(config).kv_cache_bytes(1) == expected


@pytest.mark.parametrize(("name", "kib"), CACHE_KIB.items())
def test_cache_of_a_token_in_kib(name: str, kib: int) -> None:
    assert spec_of(MODELS[name].config).kv_cache_bytes(1) == kib * 1024


@pytest.mark.parametrize("model", REFUSED, ids=lambda model: model.name)
def test_a_published_form_without_an_operator_is_refused_by_name(model: PublishedModel) -> None:
    assert model.refusal is not None
    with pytest.raises(UnsupportedOperator, match=model.refusal):
        describe(model.config, tensor_shapes(model.config))


def test_every_family_has_a_published_model() -> None:
    assert {model.config["model_type"] for model in EXPORTED} == set(known())
    assert len(MODELS) >= 30
