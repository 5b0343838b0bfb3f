"""What every architecture becomes and both writers read: the dimensions and the names of a decoder's weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class RopeScaling:
    """How positions are stretched. `linear` uses `factor` alone; `llama3` blends by wavelength (in tokens)."""

    kind: Literal["linear", "llama3"]
    factor: float
    low_freq_factor: float = 1.0
    high_freq_factor: float = 4.0
    original_positions: int = 8192


@dataclass(frozen=True)
class Part:
    """One tensor of the checkpoint inside a projection: `rows` outputs, and the name of its bias if it has one."""

    weight: str
    rows: int
    bias: str | None = None


@dataclass(frozen=True)
class Projection:
    """A matrix product of the artefact: the rows of `parts` one below the other, each `columns` wide."""

    name: str
    parts: tuple[Part, ...]
    columns: int

    @property
    def rows(self) -> int:
        """Outputs of all parts together."""
        return sum(part.rows for part in self.parts)

    @property
    def biased(self) -> bool:
        """Whether the checkpoint has a bias for it."""
        return self.parts[0].bias is not None


@dataclass(frozen=True)
class Layer:
    """The weights of one decoder layer; `window` is how many tokens attention sees, itself included (None: all)."""

    name: str
    input_norm: str
    qkv: Projection
    output: Projection
    mlp_norm: str
    gate_up: Projection
    down: Projection
    window: int | None


@dataclass(frozen=True)
class DecoderSpec:
    """A Llama-type decoder: RMS norm, rotary halves, grouped-query attention, SiLU-gated MLP.

    `max_positions` is the longest context the checkpoint was made for. `windows` has one entry a layer.
    """

    model_type: str
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_size: int
    intermediate: int
    vocab: int
    tied: bool
    norm_eps: float
    rope_theta: float
    rope_scaling: RopeScaling | None
    max_positions: int
    windows: tuple[int | None, ...]
    qkv_bias: bool = False
    output_bias: bool = False
    mlp_bias: bool = False

    @property
    def query_size(self) -> int:
        """Width of all query heads together."""
        return self.heads * self.head_size

    @property
    def kv_size(self) -> int:
        """Width of all key (or value) heads together."""
        return self.kv_heads * self.head_size

    @property
    def embedding(self) -> Projection:
        """The table of token embeddings, vocab x hidden."""
        return Projection("embed_tokens", (Part("model.embed_tokens.weight", self.vocab),), self.hidden)

    @property
    def head(self) -> Projection:
        """The matrix from hidden states to logits; the embedding's table when tied."""
        weight = "model.embed_tokens.weight" if self.tied else "lm_head.weight"
        return Projection("lm_head", (Part(weight, self.vocab),), self.hidden)

    @property
    def final_norm(self) -> str:
        """The weight of the norm before the head."""
        return "model.norm.weight"

    def layer(self, index: int) -> Layer:
        """Return the weights of one layer."""
        prefix = f"model.layers.{index}"

        def part(module: str, rows: int, biased: bool) -> Part:  # three neighbours, called right below
            return Part(f"{prefix}.{module}.weight", rows, f"{prefix}.{module}.bias" if biased else None)

        name = f"layers.{index}"
        qkv = tuple(
            part(f"self_attn.{which}_proj", rows, self.qkv_bias)
            for which, rows in (("q", self.query_size), ("k", self.kv_size), ("v", self.kv_size))
        )
        gate_up = tuple(part(f"mlp.{which}_proj", self.intermediate, self.mlp_bias) for which in ("gate", "up"))
        output = part("self_attn.o_proj", self.hidden, self.output_bias)
        down = part("mlp.down_proj", self.hidden, self.mlp_bias)
        return Layer(
            name,
            f"{prefix}.input_layernorm.weight",
            Projection(f"{name}.qkv", qkv, self.hidden),
            Projection(f"{name}.output", (output,), self.query_size),
            f"{prefix}.post_attention_layernorm.weight",
            Projection(f"{name}.gate_up", gate_up, self.hidden),
            Projection(f"{name}.down", (down,), self.intermediate),
            self.windows[index],
        )

    def projections(self) -> Iterator[Projection]:
        """Yield every matrix of the layers in the order they are used, without embedding and head."""
        for index in range(self.layers):
            layer = self.layer(index)
            yield from (layer.qkv, layer.output, layer.gate_up, layer.down)

    def norms(self) -> Iterator[str]:
        """Yield the norms' weights in the order they are used."""
        for index in range(self.layers):
            layer = self.layer(index)
            yield from (layer.input_norm, layer.mlp_norm)
        yield self.final_norm

    def tensors(self) -> dict[str, tuple[int, ...]]:
        """Return the name and shape of every tensor the checkpoint must hold."""
        tables = (self.embedding,) if self.tied else (self.embedding, self.head)
        shapes: dict[str, tuple[int, ...]] = {}
        for projection in (*tables, *self.projections()):
            for part in projection.parts:
                shapes[part.weight] = (part.rows, projection.columns)
                if part.bias is not None:
                    shapes[part.bias] = (part.rows,)
        return shapes | dict.fromkeys(self.norms(), (self.hidden,))

    @property
    def parameters(self) -> int:
        """Number of weights, a tied table counted once."""
        return sum(math.prod(shape) for shape in self.tensors().values())

    def kv_cache_bytes(self, context: int) -> int:
        """Bytes of a float32 key/value cache of `context` tokens."""
        return 2 * self.layers * self.kv_size * context * 4
