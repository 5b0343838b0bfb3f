"""Makes a spec's parts from the names that a family gives its modules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeslm_exporters.decoder_spec import Norm, Part, Projection

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edgeslm_exporters.decoder_spec import Dimensions
    from edgeslm_exporters.recipe import TensorClass


def linear(module: str, rows: int, *, bias: bool = False) -> Part:
    """Return the weight [rows, inputs] of a linear module, and its bias."""
    return Part(f"{module}.weight", rows, f"{module}.bias" if bias else None)


def tables(
    dims: Dimensions, embedding: str, head: str, *, tied: bool, bias: bool = False
) -> tuple[Projection, Projection]:
    """Return the embedding and the head from the names of their modules; when `tied` the embedding serves as head."""
    table = Projection("embed_tokens", (linear(embedding, dims.vocab),), dims.hidden, "table")
    part = table.parts[0] if tied else linear(head, dims.vocab, bias=bias)
    return table, Projection("lm_head", (part,), dims.hidden, "table")


def base_prefix(shapes: Mapping[str, tuple[int, ...]], prefix: str, tensor: str) -> str:
    """Return `prefix`, or nothing where the names lack it: some checkpoints were saved without the head around them."""
    return "" if tensor in shapes else prefix


def rms_norm(name: str, module: str, width: int, epsilon: float, *, offset: float = 0.0) -> Norm:
    """Return a norm by root mean square."""
    return Norm(name, f"{module}.weight", width, epsilon, offset=offset)


def layer_norm(name: str, module: str, width: int, epsilon: float, *, bias: bool = True) -> Norm:
    """Return a norm by mean and variance."""
    return Norm(name, f"{module}.weight", width, epsilon, "layer", f"{module}.bias" if bias else None)


@dataclass(frozen=True)
class LayerNames:
    """The parts of layer `index`, whose modules lie below `prefix` in the checkpoint."""

    dims: Dimensions
    index: int
    prefix: str

    @property
    def name(self) -> str:
        """What the artefact calls the layer."""
        return f"layers.{self.index}"

    def module(self, name: str) -> str:
        """Return the full name of a module of the layer."""
        return f"{self.prefix}.{name}"

    def matrix(
        self,
        name: str,
        tensor_class: TensorClass | None,
        parts: Sequence[tuple[str, int]],
        columns: int,
        *,
        bias: bool = False,
    ) -> Projection:
        """Return a projection from the names of its modules and how many outputs each has."""
        linears = tuple(linear(self.module(module), rows, bias=bias) for module, rows in parts)
        return Projection(f"{self.name}.{name}", linears, columns, tensor_class)

    def qkv(self, query: str, key: str, value: str, *, bias: bool = False) -> Projection:
        """Return query, key and value packed."""
        sizes = ((query, self.dims.query_size), (key, self.dims.kv_size), (value, self.dims.kv_size))
        return self.matrix("qkv", "qkv", sizes, self.dims.hidden, bias=bias)

    def interleaved_qkv(self, module: str, *, bias: bool) -> Projection:
        """Return query, key and value packed, out of one tensor that holds them by head: q0 k0 v0 q1 k1 v1 ..."""
        whole, size = self.module(module), self.dims.head_size
        parts = tuple(
            Part(
                f"{whole}.weight",
                size,
                f"{whole}.bias" if bias else None,
                start=(3 * head + which) * size,
                total=3 * self.dims.query_size,
            )
            for which in range(3)
            for head in range(self.dims.heads)
        )
        return Projection(f"{self.name}.qkv", parts, self.dims.hidden, "qkv")

    def output(self, module: str, *, bias: bool = False) -> Projection:
        """Return the way from the heads back into the stream."""
        return self.matrix("output", "output", [(module, self.dims.hidden)], self.dims.query_size, bias=bias)

    def gate_up(self, *modules: str, bias: bool = False) -> Projection:
        """Return gate and up packed, or the one module that opens a plain MLP."""
        parts = [(module, self.dims.intermediate) for module in modules]
        return self.matrix("gate_up", "gate_up", parts, self.dims.hidden, bias=bias)

    def down(self, module: str, *, bias: bool = False) -> Projection:
        """Return what closes the MLP."""
        return self.matrix("down", "down", [(module, self.dims.hidden)], self.dims.intermediate, bias=bias)

    def rms(self, name: str, module: str, epsilon: float, *, width: int | None = None, offset: float = 0.0) -> Norm:
        """Return a norm by root mean square, as wide as the stream unless `width` says otherwise."""
        full = f"{self.name}.{name}"
        return rms_norm(full, self.module(module), width or self.dims.hidden, epsilon, offset=offset)

    def layer_norm(
        self, name: str, module: str, epsilon: float, *, width: int | None = None, bias: bool = True
    ) -> Norm:
        """Return a norm by mean and variance, as wide as the stream unless `width` says otherwise."""
        full = f"{self.name}.{name}"
        return layer_norm(full, self.module(module), width or self.dims.hidden, epsilon, bias=bias)
