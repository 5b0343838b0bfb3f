from __future__ import annotations

from edgeslm.catalog import model_source, models, recipes
from support.specs import spec_named

NAMES_THAT_MUST_EXIST = {
    "fp32", "fp16", "wi8-afp32", "wi8b32-afp32", "wi4b32-afp32", "wi4b64-afp32", "wi4b128-afp32",
}  # fmt: skip


def test_recipes_of_the_contract_ship_and_decode() -> None:
    cards = {card.name: card for card in recipes()}
    assert set(cards) >= NAMES_THAT_MUST_EXIST
    assert all(card.recipe.name == name and card.description and card.when for name, card in cards.items())


def test_recipes_come_with_the_fewest_bits_first() -> None:
    names = [card.name for card in recipes()]
    assert names.index("wi4b128-afp32") < names.index("wi4b32-afp32") < names.index("wi8b32-afp32")
    assert names[-2:] == ["fp16", "fp32"]


def test_builtin_model_leads_the_list() -> None:
    assert models()[0].name == "home"
    assert models()[0].source == "builtin"


def test_parameters_of_known_models_follow_from_their_shape() -> None:
    shaped = [card for card in models() if card.shape is not None]
    assert len(shaped) >= 4
    for card in shaped:
        assert spec_named(card.name).parameters == card.parameters, card.name


def test_model_source_is_the_hub_id_of_a_known_name() -> None:
    assert model_source("smollm2-135m-instruct") == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert model_source("home") == "home"
    assert model_source("./folder") == "./folder"


def test_recipes_that_ship_need_no_data() -> None:
    """An export without --recipe would have nothing to calibrate on."""
    assert not [card.name for card in recipes() if card.recipe.calibrates]
