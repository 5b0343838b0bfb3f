"""Templates and how they are read: {slot}, [optional|alternatives], (one|of|these), "-> key=value" for the meaning."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random


@dataclass(frozen=True)
class Slot:
    """A place that a filler fills."""

    name: str


@dataclass(frozen=True)
class Choice:
    """One of several texts, or none of them."""

    options: tuple[tuple[Part, ...], ...]
    optional: bool


Part = str | Slot | Choice


@dataclass(frozen=True)
class Template:
    """A template taken apart: its text, the names of its slots, its parts and what it adds to the meaning."""

    text: str
    slots: frozenset[str]
    parts: tuple[Part, ...]
    meaning: tuple[tuple[str, str | int], ...]


_TOKEN = re.compile(r"\{([^}]+)\}|([\[\](|)])|([^\[\](|){}]+)")


@cache
def parse(text: str) -> Template:
    """The template behind its text."""
    body, _, tail = text.partition(" -> ")
    tokens = [m.groups() for m in _TOKEN.finditer(body)]
    parts, rest = _sequence(tokens, 0, closing=None)
    assert rest == len(tokens), f"unbalanced brackets in template {text!r}"
    pairs = (pair.split("=", 1) for pair in tail.split())
    meaning = tuple((key, int(value) if key == "value" else value) for key, value in pairs)
    return Template(text, frozenset(re.findall(r"\{([^}]+)\}", body)), parts, meaning)


def render(parts: tuple[Part, ...], rng: Random, fill: Callable[[str], str]) -> str:
    """The words of a template, slots filled in the order they are said."""
    words = []
    for part in parts:
        if isinstance(part, str):
            words.append(part)
        elif isinstance(part, Slot):
            words.append(fill(part.name))
        elif not part.optional or rng.random() < 0.5:
            words.append(render(part.options[int(rng.random() * len(part.options))], rng, fill))
    return "".join(words)


_Token = tuple[str | None, ...]


def _sequence(tokens: list[_Token], at: int, closing: str | None) -> tuple[tuple[Part, ...], int]:
    parts: list[Part] = []
    while at < len(tokens):
        slot, mark, literal = tokens[at]
        if mark in (closing, "|") and mark is not None:
            break
        at += 1
        if slot is not None:
            parts.append(Slot(slot))
        elif literal is not None:
            parts.append(literal)
        else:
            choice, at = _choice(tokens, at, "]" if mark == "[" else ")")
            parts.append(choice)
    return tuple(parts), at


def _choice(tokens: list[_Token], at: int, closing: str) -> tuple[Choice, int]:
    options = []
    while True:
        option, at = _sequence(tokens, at, closing)
        options.append(option)
        mark = tokens[at][1]
        at += 1
        if mark == closing:
            return Choice(tuple(options), optional=closing == "]"), at
