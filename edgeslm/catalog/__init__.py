"""Reads profiles/*.yaml into frozen types, with all problems of a file at once.

device(name | FILE.yaml | "here", memory="2GB") -> Profile        devices() -> names
recipes() -> RecipeCard for each name that ships                  models() -> ModelCard for each known checkpoint
"""

from edgeslm.catalog.cards import ModelCard, RecipeCard, model_source, models, recipes
from edgeslm.catalog.devices import device, devices
from edgeslm.catalog.profile import Fact, Profile, Rate

__all__ = [
    "Fact",
    "ModelCard",
    "Profile",
    "Rate",
    "RecipeCard",
    "device",
    "devices",
    "model_source",
    "models",
    "recipes",
]
