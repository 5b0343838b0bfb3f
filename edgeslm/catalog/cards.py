"""Recipes and models that ship as files: what each is and when to use it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgeslm.catalog.folder import names_in, profiles_folder
from edgeslm.catalog.reader import read_document
from edgeslm_agent.errors import UsageError
from edgeslm_exporters.recipe import TENSOR_CLASSES, parse_recipe

if TYPE_CHECKING:
    from edgeslm_exporters.recipe import Recipe, Storage


BUILTIN = "builtin"


@dataclass(frozen=True)
class RecipeCard:
    """A recipe that ships: decoded from its name, described by its file."""

    name: str
    recipe: Recipe
    description: str
    when: str


@dataclass(frozen=True)
class Shape:
    """The dimensions of a decoder, as its config.json gives them."""

    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_size: int
    vocabulary: int
    tied: bool
    qkv_bias: bool
    max_context: int


@dataclass(frozen=True)
class ModelCard:
    """A known checkpoint. `source` is a hub id or `builtin`; `parameters` counts a tied table once."""

    name: str
    title: str
    source: str
    licence: str
    note: str
    parameters: int | None = None
    shape: Shape | None = None


def recipes() -> tuple[RecipeCard, ...]:
    """Return the recipes that ship, fewest bits first."""
    cards = [_recipe(name) for name in names_in("recipes")]
    return tuple(sorted(cards, key=lambda card: (_bits(card.recipe), card.name)))


def models() -> tuple[ModelCard, ...]:
    """Return the known checkpoints, smallest first; the built-in one leads."""
    cards = [_model(name) for name in names_in("models")]
    return tuple(sorted(cards, key=lambda card: (card.parameters or 0, card.name)))


def model_source(name: str) -> str:
    """Return the hub id of a known checkpoint, else `name` itself: the built-in model, a folder or a hub id."""
    source = _model(name).source if name in names_in("models") else BUILTIN
    return name if source == BUILTIN else source


def _recipe(name: str) -> RecipeCard:
    document = read_document(profiles_folder() / "recipes" / f"{name}.yaml", "recipe")
    try:
        recipe = parse_recipe(name)
    except UsageError as error:
        document.problem((), f"the file's name is the recipe: {error.message}")
    document.raise_problems()
    return RecipeCard(name, recipe, **document.values)


def _model(name: str) -> ModelCard:
    document = read_document(profiles_folder() / "models" / f"{name}.yaml", "model")
    document.raise_problems()
    values: dict[str, Any] = dict(document.values)
    if "shape" in values:
        values["shape"] = Shape(**values["shape"])
    return ModelCard(name, **values)


def _bits(recipe: Recipe) -> float:
    return sum(_storage_bits(recipe.storage(name)) for name in TENSOR_CLASSES)


def _storage_bits(storage: Storage) -> float:
    if isinstance(storage, str):
        return 16 if storage == "fp16" else 32
    return storage.bits + (0 if storage.block is None else 32 / storage.block)
