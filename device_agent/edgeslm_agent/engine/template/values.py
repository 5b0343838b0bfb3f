"""What a template computes with, and what it may spend.

Values are None, bool, int, float, str, lists, dicts with text keys, `Undefined` and `Namespace`. Semantics follow
Jinja (https://jinja.palletsprojects.com/en/stable/templates/), except that lists and dicts are neither written nor
compared: no chat without tools needs it, and on nested ones either can take exponential time.
"""

from __future__ import annotations

from dataclasses import dataclass, field

LARGEST_NUMBER = 1 << 63


class TemplateFault(Exception):  # it is the template's fault, and the caller's error to name
    """The template computes something that has no meaning, or too much of it (`too_much`)."""

    def __init__(self, message: str, *, too_much: bool = False) -> None:
        super().__init__(message)
        self.too_much = too_much


class TemplateRefusal(Exception):  # as above
    """The template itself refuses the conversation, in its own words."""


@dataclass(frozen=True)
class Undefined:
    """What a missing name or key yields: false, empty and silent, but without parts of its own."""

    name: str = "value"


@dataclass
class Namespace:
    """What `namespace()` makes: the one value a loop may change for those after it."""

    values: dict[str, object] = field(default_factory=dict)


@dataclass
class Budget:
    """What is left to spend: steps (one per evaluated node) and characters (read or made)."""

    steps: int
    characters: int

    def step(self) -> None:
        """Pay for one node. Raises TemplateFault when nothing is left."""
        self.steps -= 1
        if self.steps < 0:
            raise TemplateFault("it takes too many steps", too_much=True)

    def spend(self, characters: int) -> None:
        """Pay for text or lists before they are made. Raises TemplateFault when they are too long."""
        self.characters -= characters
        if self.characters < 0:
            raise TemplateFault("it makes too much text", too_much=True)


def written(value: object) -> str:
    """Return how a value is written: '' for what is undefined.

    Raises TemplateFault for a list, a dict or a namespace.
    """
    if isinstance(value, Undefined):
        return ""
    if value is None or isinstance(value, str | int | float):
        return str(value)
    raise TemplateFault(f"it writes a {kind(value)}")


def truth(value: object) -> bool:
    """Return what an `if` makes of a value."""
    return not isinstance(value, Undefined) and bool(value)


def text(value: object) -> str:
    """Return a value that must be text. Raises TemplateFault for any other."""
    if not isinstance(value, str):
        raise TemplateFault(f"it needs a text where it has {kind(value)}")
    return value


def number(value: float) -> float:
    """Return a number of bounded size. Raises TemplateFault above 2**63."""
    if abs(value) > LARGEST_NUMBER:
        raise TemplateFault("it computes too large a number")
    return value


def items(value: object) -> list[object]:
    """Return what a loop over `value` visits. Raises TemplateFault when it has no items."""
    if isinstance(value, Undefined):
        return []
    if isinstance(value, list | str | dict):
        return list(value)
    raise TemplateFault(f"it loops over {kind(value)}")


def kind(value: object) -> str:
    """Return what to call a value in a message."""
    if isinstance(value, Undefined):
        return f"'{value.name}', which is undefined"
    return "nothing" if value is None else type(value).__name__
