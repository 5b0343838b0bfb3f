"""What every architecture becomes and both writers read: a decoder as small frozen parts, and the names of its weights.

A decoder is a table of embeddings, a stack of layers and a head. A layer adds an attention and an MLP (or experts) to
the stream that runs through it; norms stand before them, behind them, or both. What a family does not have is None.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgeslm_exporters.recipe import TensorClass

Activation = Literal["silu", "gelu", "gelu_tanh", "relu"]


@dataclass(frozen=True)
class Part:
    """Outputs of a projection as the checkpoint has them: `rows` rows of one tensor, and the name of their bias.

    They begin at row `start` of a tensor of `total` rows (None: it holds no others). A `transposed` tensor is
    [inputs, outputs]; its rows are the outputs all the same.
    """

    weight: str
    rows: int
    bias: str | None = None
    start: int = 0
    total: int | None = None
    transposed: bool = False

    def shapes(self, columns: int) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Yield name and shape of the checkpoint's tensors it is taken from."""
        rows = self.total or self.rows
        yield self.weight, (columns, rows) if self.transposed else (rows, columns)
        if self.bias is not None:
            yield self.bias, (rows,)


@dataclass(frozen=True)
class Projection:
    """A matrix product of the artefact: the rows of `parts` one below the other, each `columns` wide.

    A recipe says for each `tensor_class` how it is stored; None stays fp32. `share` is the part of all tokens that are
    multiplied by it: below 1 for an expert.
    """

    name: str
    parts: tuple[Part, ...]
    columns: int
    tensor_class: TensorClass | None
    share: float = 1.0

    @property
    def rows(self) -> int:
        """Outputs of all parts together."""
        return sum(part.rows for part in self.parts)

    @property
    def biased(self) -> bool:
        """Whether the checkpoint has a bias for it."""
        return self.parts[0].bias is not None


@dataclass(frozen=True)
class Norm:
    """`rms` divides by the root mean square of `width` values, `layer` takes their mean away first and may add a bias.

    The factor is the checkpoint's tensor `weight` plus `offset` (1 in Gemma). `name` is what the artefact calls it.
    Where every head has factors of its own, `of_heads` names their tensors, `weight` the first of them.
    """

    name: str
    weight: str
    width: int
    epsilon: float
    kind: Literal["rms", "layer"] = "rms"
    bias: str | None = None
    offset: float = 0.0
    of_heads: tuple[str, ...] = ()

    @property
    def tensors(self) -> dict[str, tuple[str, ...]]:
        """What the artefact has by name, and the checkpoint's tensors that are stacked to make it."""
        found = {f"{self.name}.weight": self.of_heads or (self.weight,)}
        return found if self.bias is None else {**found, f"{self.name}.bias": (self.bias,)}


@dataclass(frozen=True)
class RopeScaling:
    """How positions are stretched beyond the `original_positions` a checkpoint was first trained for.

    `linear` uses `factor` alone; `llama3` blends by wavelength between `low` and `high` turns within the original
    positions, `yarn` between `high` and `low` turns and multiplies both tables by `magnitude`; `longrope` divides each
    frequency by its entry in `short` or, where the context is longer than the original positions, in `long`.
    """

    kind: Literal["linear", "llama3", "yarn", "longrope"]
    factor: float = 1.0
    low: float = 1.0
    high: float = 4.0
    original_positions: int = 8192
    magnitude: float = 1.0
    short: tuple[float, ...] = ()
    long: tuple[float, ...] = ()


@dataclass(frozen=True)
class Rotary:
    """Rotation of the first `size` values of every query and key head, in halves, from base `theta`."""

    theta: float
    size: int
    scaling: RopeScaling | None = None


@dataclass(frozen=True)
class Attention:
    """Packed query, key and value, the scores' `scale` and what is done to them, and the way back into the stream.

    `window` is how many tokens it sees, itself included (None: all). `soft_cap` c turns scores s into c tanh(s / c).
    The norms are taken of each head's values, or of all heads' at once where they are as wide as those. `alibi` lowers
    a score by distance, with a slope of its own for each head.
    """

    qkv: Projection
    output: Projection
    scale: float
    rotary: Rotary | None = None
    alibi: bool = False
    window: int | None = None
    soft_cap: float | None = None
    query_norm: Norm | None = None
    key_norm: Norm | None = None


@dataclass(frozen=True)
class Mlp:
    """down(activation(up x)); when `gated`, `up` packs gate above up: down(activation(gate x) * (up x))."""

    up: Projection
    down: Projection
    activation: Activation
    gated: bool

    def projections(self) -> Iterator[Projection]:
        """Yield its matrices in the order they are used."""
        yield from (self.up, self.down)


@dataclass(frozen=True)
class Experts:
    """For each token the `chosen` MLPs with the largest scores of `router`, weighted by the softmax of these scores."""

    router: Projection
    mlps: tuple[Mlp, ...]
    chosen: int

    def projections(self) -> Iterator[Projection]:
        """Yield its matrices in the order they are used."""
        yield self.router
        for mlp in self.mlps:
            yield from mlp.projections()


@dataclass(frozen=True)
class Layer:
    """x + attention, then + MLP; both of the same x when `parallel`. What is added is multiplied by `residual_scale`.

    `attention_norm` and `mlp_norm` stand before the two, `attended_norm` and `fed_norm` on what they return. A parallel
    MLP without a norm reads what attention reads.
    """

    name: str
    attention: Attention
    mlp: Mlp | Experts
    attention_norm: Norm | None = None
    attended_norm: Norm | None = None
    mlp_norm: Norm | None = None
    fed_norm: Norm | None = None
    parallel: bool = False
    residual_scale: float = 1.0

    def projections(self) -> Iterator[Projection]:
        """Yield its matrices in the order they are used."""
        yield from (self.attention.qkv, self.attention.output)
        yield from self.mlp.projections()

    def norms(self) -> Iterator[Norm]:
        """Yield its norms in the order they are used."""
        of_heads = (self.attention.query_norm, self.attention.key_norm)
        norms = (self.attention_norm, *of_heads, self.attended_norm, self.mlp_norm, self.fed_norm)
        yield from (norm for norm in norms if norm is not None)


@dataclass(frozen=True)
class Dimensions:
    """Sizes that all layers share; `max_positions` is the longest context the checkpoint was made for."""

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_size: int
    intermediate: int
    vocab: int
    max_positions: int

    @property
    def query_size(self) -> int:
        """Width of all query heads together."""
        return self.heads * self.head_size

    @property
    def kv_size(self) -> int:
        """Width of all key (or value) heads together."""
        return self.kv_heads * self.head_size


@dataclass(frozen=True)
class DecoderSpec(Dimensions):
    """A whole decoder. `positions` is a learned table, one row for each position, added to the embeddings.

    Embeddings are multiplied by `embedding_scale`, logits by `logit_scale`; `logit_cap` bounds them as a soft cap.
    """

    model_type: str
    embedding: Projection
    stack: tuple[Layer, ...]
    final_norm: Norm
    head: Projection
    embedding_scale: float = 1.0
    positions: Part | None = None
    embedding_norm: Norm | None = None
    logit_scale: float = 1.0
    logit_cap: float | None = None

    @property
    def tied(self) -> bool:
        """Whether the head multiplies by the table of embeddings."""
        return self.head.parts == self.embedding.parts

    @property
    def rotaries(self) -> tuple[Rotary, ...]:
        """The different rotations of the layers, in the order they are met."""
        found = (layer.attention.rotary for layer in self.stack)
        return tuple(dict.fromkeys(rotary for rotary in found if rotary is not None))

    def projections(self) -> Iterator[Projection]:
        """Yield every matrix of the layers in the order they are used, without embedding and head."""
        for layer in self.stack:
            yield from layer.projections()

    def norms(self) -> Iterator[Norm]:
        """Yield the norms in the order they are used."""
        if self.embedding_norm is not None:
            yield self.embedding_norm
        for layer in self.stack:
            yield from layer.norms()
        yield self.final_norm

    def tensors(self) -> dict[str, tuple[int, ...]]:
        """Return the name and shape of every tensor the checkpoint must hold."""
        shapes: dict[str, tuple[int, ...]] = {}
        for projection in (self.embedding, *self.projections(), self.head):
            for part in projection.parts:
                shapes |= part.shapes(projection.columns)
        if self.positions is not None:
            shapes |= self.positions.shapes(self.hidden)
        for norm in self.norms():
            for names in norm.tensors.values():
                shapes |= dict.fromkeys(names, (norm.width,))
        return shapes

    @property
    def parameters(self) -> int:
        """Number of weights, a tied table counted once."""
        return sum(math.prod(shape) for shape in self.tensors().values())

    def kv_cache_bytes(self, context: int, bits: int = 32) -> int:
        """Bytes of a key/value cache of `context` tokens whose values take `bits` each; 32 are floats."""
        return 2 * self.layers * self.kv_size * context * bits // 8
