"""A recipe says how to quantise; its name is its specification, and this module is the decoder beside it.

    NAME    = "fp32" | "fp16" | WEIGHTS "-afp32" [ "-h" TABLE ]
    WEIGHTS = ("wi" | "wu") BITS [ "b" BLOCK ]       wi: symmetric, scale > 0 and exact in fp16; wu: asymmetric
    TABLE   = ("i" | "u") BITS [ "b" BLOCK ]         the table shared by embedding and head; as the weights when absent
    BITS    = "4" | "8"      BLOCK = 16 | 32 | 64 | 128 | 256; no BLOCK = one scale a row

`wi4b32-afp32-hi8b32`: weights int4 in blocks of 32, activations fp32, embedding and head int8 in blocks of 32.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from edgeslm_agent.errors import UsageError

BLOCKS = (16, 32, 64, 128, 256)
_NAME = re.compile(r"w(?P<weights>[iu][48](?:b\d+)?)-afp32(?:-h(?P<head>[iu][48](?:b\d+)?))?")
_BLOCKED = re.compile(r"(?P<sign>[iu])(?P<bits>[48])(?:b(?P<block>\d+))?")


@dataclass(frozen=True)
class Quantization:
    """How one class of tensors is stored: `bits` a weight, one scale a `block` along the row (None: one a row)."""

    bits: int
    block: int | None
    symmetric: bool


Float = Literal["fp32", "fp16"]


@dataclass(frozen=True)
class Recipe:
    """`weights` for every projection, `table` for the embedding and head (norms and biases stay fp32)."""

    name: str
    weights: Quantization | Float
    table: Quantization | Float


def parse_recipe(name: str) -> Recipe:
    """Decode a recipe's name.

    Raises UsageError for a name outside the grammar.
    """
    if name == "fp32":
        return Recipe(name, "fp32", "fp32")
    if name == "fp16":
        return Recipe(name, "fp16", "fp16")
    match = _NAME.fullmatch(name)
    if match is None:
        raise UsageError(
            f"'{name}' is not a recipe", "recipes look like wi4b32-afp32; `edgeslm list recipes` shows those that ship"
        )
    weights = _quantization(match["weights"], name)
    return Recipe(name, weights, _quantization(match["head"], name) if match["head"] else weights)


def _quantization(text: str, name: str) -> Quantization:
    match = _BLOCKED.fullmatch(text)
    assert match is not None
    block = int(match["block"]) if match["block"] else None
    if block is not None and block not in BLOCKS:
        raise UsageError(f"recipe '{name}': block {block} is not one of {', '.join(map(str, BLOCKS))}")
    return Quantization(int(match["bits"]), block, symmetric=match["sign"] == "i")
