"""A recipe says how to quantise; its name is its specification, and this module is the decoder beside it.

    NAME      = "fp32" | "fp16" | "w" STORAGE "-afp32" OVERRIDES [ "-kv" BITS ] [ "-" ALGORITHM ]
    STORAGE   = ( "i" | "u" ) BITS [ "b" BLOCK ] | "fp16" | "fp32"      i: symmetric, scale > 0 and exact in fp16
                                                                        u: asymmetric, with zero points
    OVERRIDES = [ "-q" STORAGE ] [ "-o" STORAGE ] [ "-g" STORAGE ] [ "-d" STORAGE ] [ "-h" STORAGE ]     in this order
    BITS      = "4" | "8"      BLOCK = 16 | 32 | 64 | 128 | 256; no BLOCK = one scale a row

`w` stores every matrix; an override stores one class of them otherwise: q the packed query, key and value, o the output
of attention, g what opens the MLP (gate and up), d what closes it (down), h the head and the embedding whose table it
shares. `kv` are the bits of the KV cache (left out: fp32). ALGORITHM finds the codes (left out: round to nearest).

`wi4b32-afp32-di8b64-hi8b32`: weights int4 in blocks of 32, activations fp32, the down projection int8 in blocks of 64,
embedding and head int8 in blocks of 32. `fp32` and `fp16` are short for `wfp32-afp32` and `wfp16-afp32`.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from edgeslm_agent.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

BLOCKS = (16, 32, 64, 128, 256)
# search: scales searched; rot: the stream rotated; rotgptq: rotated, then GPTQ. All but rot take a calibration text.
ALGORITHMS = ("search", "hqq", "awq", "gptq", "rot", "rotgptq")

TensorClass = Literal["qkv", "output", "gate_up", "down", "table"]
TENSOR_CLASSES: tuple[TensorClass, ...] = get_args(TensorClass)
LETTERS: dict[TensorClass, str] = {"qkv": "q", "output": "o", "gate_up": "g", "down": "d", "table": "h"}

_STORAGE = r"[iu][48](?:b\d+)?|fp16|fp32"
_OVERRIDES = "".join(rf"(?:-{letter}(?P<{name}>{_STORAGE}))?" for name, letter in LETTERS.items())
_NAME = re.compile(rf"w(?P<base>{_STORAGE})-afp32{_OVERRIDES}(?:-kv(?P<kv>[48]))?(?:-(?P<algorithm>[a-z][a-z0-9]*))?")
_BLOCKED = re.compile(r"(?P<sign>[iu])(?P<bits>[48])(?:b(?P<block>\d+))?")


@dataclass(frozen=True)
class Quantization:
    """How one class of tensors is stored: `bits` a weight, one scale a `block` along the row (None: one a row)."""

    bits: int
    block: int | None
    symmetric: bool

    def __str__(self) -> str:
        """Return it as a recipe's name spells it, for example `i4b32`."""
        return f"{'i' if self.symmetric else 'u'}{self.bits}" + ("" if self.block is None else f"b{self.block}")


Float = Literal["fp32", "fp16"]
Storage = Quantization | Float
FLOATS: dict[str, Float] = {name: name for name in get_args(Float)}
FLOAT_BITS: dict[Float, int] = {"fp32": 32, "fp16": 16}


@dataclass(frozen=True)
class Recipe:
    """How each class of tensors is stored (norms and biases stay fp32), and the KV cache: `kv_bits` None is fp32."""

    qkv: Storage
    output: Storage
    gate_up: Storage
    down: Storage
    table: Storage
    kv_bits: int | None = None
    algorithm: str | None = None

    @classmethod
    def of(cls, storages: Mapping[TensorClass, Storage]) -> Recipe:
        """Return the recipe that stores every class as given."""
        projections = storages["qkv"], storages["output"], storages["gate_up"], storages["down"]
        return cls(*projections, storages["table"])

    def storage(self, tensor_class: TensorClass) -> Storage:
        """Return how one class is stored."""
        found: Storage = getattr(self, tensor_class)
        return found

    @property
    def bits(self) -> frozenset[int]:
        """The different widths of its weights, without scales: 4, 8, 16 or 32."""
        storages = (self.storage(name) for name in TENSOR_CLASSES)
        return frozenset(s.bits if isinstance(s, Quantization) else FLOAT_BITS[s] for s in storages)

    @property
    def uniform(self) -> bool:
        """Whether all classes are stored alike."""
        return len({self.storage(name) for name in TENSOR_CLASSES}) == 1

    @property
    def rotates(self) -> bool:
        """Whether the stream between layers is rotated."""
        return self.algorithm in {"rot", "rotgptq"}

    @property
    def calibrations(self) -> int:
        """How often a calibration text is read: once for an algorithm that takes one, once for a quantised KV cache."""
        return int(self.algorithm not in {None, "rot"}) + int(self.kv_bits is not None)

    @property
    def calibrates(self) -> bool:
        """Whether it takes a calibration text."""
        return self.calibrations > 0

    @property
    def name(self) -> str:
        """The one name of this recipe: `w` is what most classes have, the first of them in a tie."""
        storages = {name: self.storage(name) for name in TENSOR_CLASSES}
        base = Counter(storages.values()).most_common(1)[0][0]
        parts = [f"w{base}", "afp32"]
        parts += [f"{LETTERS[name]}{storage}" for name, storage in storages.items() if storage != base]
        parts += [] if self.kv_bits is None else [f"kv{self.kv_bits}"]
        parts += [] if self.algorithm is None else [self.algorithm]
        name = "-".join(parts)
        return {"wfp32-afp32": "fp32", "wfp16-afp32": "fp16"}.get(name, name)


def parse_recipe(name: str) -> Recipe:
    """Decode a recipe's name. Overrides that change nothing are allowed; `Recipe.name` leaves them out.

    Raises UsageError for a name outside the grammar.
    """
    match = _NAME.fullmatch({"fp32": "wfp32-afp32", "fp16": "wfp16-afp32"}.get(name, name))
    if match is None or match["algorithm"] not in {None, *ALGORITHMS}:
        raise UsageError(
            f"'{name}' is not a recipe",
            "recipes look like wi4b32-afp32, with -q -o -g -d -h, -kv and the algorithm behind it in this order; "
            "`edgeslm list recipes` shows those that ship",
        )
    storages = {part: _storage(match[part] or match["base"], name) for part in TENSOR_CLASSES}
    return Recipe(**storages, kv_bits=int(match["kv"]) if match["kv"] else None, algorithm=match["algorithm"])


def _storage(text: str, name: str) -> Storage:
    if text in FLOATS:
        return FLOATS[text]
    match = _BLOCKED.fullmatch(text)
    assert match is not None
    block = int(match["block"]) if match["block"] else None
    if block is not None and block not in BLOCKS:
        raise UsageError(f"recipe '{name}': block {block} is not one of {', '.join(map(str, BLOCKS))}")
    return Quantization(int(match["bits"]), block, symmetric=match["sign"] == "i")
