from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeslm.catalog import device
from edgeslm.mixing import Trials, class_bytes, mixed_course
from edgeslm.planning import Wish
from edgeslm.profiler.dataset import Dataset
from edgeslm.profiler.sensitivity import Goal
from edgeslm.progress import silent
from edgeslm.source import Source
from edgeslm_agent.errors import NothingFits
from edgeslm_exporters.onnx.layout import layout
from edgeslm_exporters.recipe import BLOCKS, TENSOR_CLASSES, Quantization, Recipe, Storage, TensorClass
from support.specs import HOME, llama_spec
from support.tiny import tiny_case, tiny_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

    from edgeslm_exporters.decoder_spec import DecoderSpec

UNTIED = llama_spec(
    num_hidden_layers=2,
    hidden_size=96,
    num_attention_heads=6,
    num_key_value_heads=2,
    intermediate_size=172,
    vocab_size=101,
    tie_word_embeddings=False,
    max_position_embeddings=64,
)
CONTEXT = 32
FP32: dict[TensorClass, Storage] = dict.fromkeys(TENSOR_CLASSES, "fp32")
WISH = Wish(("mixed",), ("onnx",), CONTEXT)

storages: st.SearchStrategy[Storage] = st.one_of(
    st.sampled_from(("fp32", "fp16")),
    st.builds(
        Quantization, bits=st.sampled_from((4, 8)), block=st.sampled_from((None, *BLOCKS)), symmetric=st.booleans()
    ),
)


@pytest.mark.parametrize("spec", [HOME, UNTIED], ids=["tied", "untied"])
@given(chosen=st.tuples(*[storages] * len(TENSOR_CLASSES)))
@settings(max_examples=50)
def test_bytes_of_classes_add_up_to_the_file(spec: DecoderSpec, chosen: tuple[Storage, ...]) -> None:
    recipe = Recipe.of(dict(zip(TENSOR_CLASSES, chosen, strict=True)))
    floats = layout(spec, Recipe.of(FP32), CONTEXT)
    fixed = floats.weights_bytes - sum(class_bytes(floats, name) for name in TENSOR_CLASSES)
    alone = {name: Recipe.of({**FP32, name: recipe.storage(name)}) for name in TENSOR_CLASSES}
    parts = [class_bytes(layout(spec, alone[name], CONTEXT), name) for name in TENSOR_CLASSES]
    assert fixed + sum(parts) == layout(spec, recipe, CONTEXT).weights_bytes


@pytest.fixture
def trials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trials:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    source = Source(tiny_checkpoint(tmp_path / "tiny", tiny_case()), "folder:tiny")
    text = Dataset("a text", text="the quick brown fox jumps over the lazy dog and runs away. " * 8)
    return Trials(source, device("raspberry-pi-5"), CONTEXT, text, tmp_path / "out", silent)


@pytest.mark.slow
def test_a_mix_for_a_size_fits_it_and_meets_every_uniform_recipe_that_does(trials: Trials, tmp_path: Path) -> None:
    sizes = {recipe.name: trials.layout(recipe).weights_bytes for recipe in trials.uniform()}
    most = sizes["wu4b16-afp32"]
    course = mixed_course(trials, WISH, Goal(most, None))
    (mix,) = course.steps
    assert mix.estimate.weights_bytes.value <= most
    assert {candidate.recipe for candidate in course.rivals} == {name for name, size in sizes.items() if size <= most}
    assert course.plan.objective == "quality"
    assert course.mixed is not None
    assert course.mixed["mixes"][0]["recipe"] == mix.recipe
    assert course.mixed["mixes"][0]["weights_bytes"] == mix.estimate.weights_bytes.value
    assert not list(tmp_path.glob(".out*")), "trial exports are removed"


@pytest.mark.slow
def test_more_bits_cost_less_of_every_class_and_only_measured_sizes_are_refused(trials: Trials) -> None:
    found = trials.sensitivity()
    costs = {(name, str(option.storage)): option.kld for name in TENSOR_CLASSES for option in found.options[name]}
    assert all(costs[name, "i8b32"] < costs[name, "i4b32"] for name in TENSOR_CLASSES)
    with pytest.raises(NothingFits, match="no mix of storages fits"):
        found.mixes_for(Goal(1000, None))


def test_a_board_without_dot_product_mixes_4_bit_forms_only(tmp_path: Path) -> None:
    source = Source(tiny_checkpoint(tmp_path / "tiny", tiny_case()), "folder:tiny")
    trials = Trials(source, device("jetson-nano"), CONTEXT, Dataset("none"), tmp_path / "out", silent)
    assert {bits for recipe in trials.uniform() for bits in recipe.bits} == {4}
