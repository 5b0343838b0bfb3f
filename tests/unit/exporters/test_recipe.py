from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeslm_agent.errors import UsageError
from edgeslm_exporters.recipe import (
    ALGORITHMS,
    BLOCKS,
    TENSOR_CLASSES,
    Quantization,
    Recipe,
    Storage,
    parse_recipe,
)

CONTRACT = (
    "fp32",
    "fp16",
    "wi8-afp32",
    "wi8b32-afp32",
    "wi4b32-afp32",
    "wi4b64-afp32",
    "wi4b128-afp32",
    "wu4b32-afp32",
    "wi4b32-afp32-hi8b32",
)
I4, I8 = Quantization(4, 32, symmetric=True), Quantization(8, 32, symmetric=True)

storages: st.SearchStrategy[Storage] = st.one_of(
    st.sampled_from(("fp32", "fp16")),
    st.builds(
        Quantization,
        bits=st.sampled_from((4, 8)),
        block=st.sampled_from((None, *BLOCKS)),
        symmetric=st.booleans(),
    ),
)
recipes = st.builds(
    Recipe,
    **dict.fromkeys(TENSOR_CLASSES, storages),
    kv_bits=st.sampled_from((None, 4, 8)),
    algorithm=st.sampled_from((None, *ALGORITHMS)),
)


@given(recipes)
def test_a_name_says_all_of_its_recipe(recipe: Recipe) -> None:
    assert parse_recipe(recipe.name) == recipe


@given(storages, st.lists(st.tuples(st.sampled_from("qogdh"), storages), unique_by=lambda part: part[0]))
def test_a_name_of_the_grammar_keeps_its_meaning_as_the_canonical_name(
    base: Storage, overrides: list[tuple[str, Storage]]
) -> None:
    ordered = sorted(overrides, key=lambda part: "qogdh".index(part[0]))
    written = parse_recipe("-".join([f"w{base}", "afp32", *(letter + str(storage) for letter, storage in ordered)]))
    meant = dict(zip("qogdh", [base] * 5, strict=True)) | dict(ordered)
    assert [written.storage(name) for name in TENSOR_CLASSES] == list(meant.values())
    assert parse_recipe(written.name) == written


@pytest.mark.parametrize("name", CONTRACT)
def test_the_names_of_the_contract_are_canonical(name: str) -> None:
    assert parse_recipe(name).name == name


def test_each_override_stores_its_class() -> None:
    recipe = parse_recipe("wi4b32-afp32-qi8-ou4b16-gfp16-di8b64-hi8b32-kv8")
    assert recipe == Recipe(
        qkv=Quantization(8, None, symmetric=True),
        output=Quantization(4, 16, symmetric=False),
        gate_up="fp16",
        down=Quantization(8, 64, symmetric=True),
        table=I8,
        kv_bits=8,
    )


def test_the_canonical_name_is_that_of_the_majority() -> None:
    assert parse_recipe("wi8b32-afp32-oi4b32-gi4b32-hi4b32").name == "wi4b32-afp32-qi8b32-di8b32"
    assert parse_recipe("wi4b32-afp32-di4b32").name == "wi4b32-afp32"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "int4",
        "wi4b32",
        "wi4b32-afp16",
        "wi3b32-afp32",
        "wi4b32-afp32-",
        "wi4b32-afp32-hi8b32-di8b32",
        "wi4b32-afp32-di8b32-di4b32",
        "wi4b32-afp32-kv16",
        "wi4b32-afp32-nosuch",
        "fp32-di8b32",
        "wi4b48-afp32",
        "wi4b32-afp32-di8b48",
    ],
)
def test_a_name_outside_the_grammar_is_refused_by_name(name: str) -> None:
    with pytest.raises(UsageError, match=f"'{name}'"):
        parse_recipe(name)
