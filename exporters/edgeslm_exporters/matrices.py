"""How a decoder's matrices are stored, whatever the format, and the sums that a plan needs of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Generic, Literal, TypeAlias, TypeVar

from edgeslm_exporters.quantized_rows import Blocks
from edgeslm_exporters.recipe import BLOCKS, Quantization

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgeslm_agent.contract.manifest import DecoderShape, RuntimeRequirement
    from edgeslm_exporters.decoder_spec import DecoderSpec, Layer, Projection
    from edgeslm_exporters.recipe import Float, Storage

CONFIG_KEY = "config.json"  # under which a graph carries the config it was made of, in its metadata
DType = Literal["float32", "float16", "uint8", "int8", "int4"]
_BITS: dict[DType, int] = {"float32": 32, "float16": 16, "uint8": 8, "int8": 8, "int4": 4}

M_co = TypeVar("M_co", bound="Matrix", covariant=True)


def tensor_bytes(dtype: DType, shape: tuple[int, ...]) -> int:
    """Return the bytes a tensor takes in a file; 4-bit values lie two to a byte."""
    return math.prod(shape) * _BITS[dtype] // 8


def resolve(storage: Storage, columns: int) -> Blocks | Float:
    """Choose the block for rows of `columns` weights.

    One scale a row becomes that scale repeated over the largest legal block that divides the row, or, when none does,
    over the blocks that pad it least.
    """
    if not isinstance(storage, Quantization):
        return storage
    block = storage.block or min(BLOCKS, key=lambda size: (-columns % size, -size))
    return Blocks(storage.bits, block, storage.symmetric, per_row=storage.block is None)


@dataclass(frozen=True)
class StoredTensor:
    """One tensor of a data file: `offset` and `bytes` in it."""

    name: str
    dtype: DType
    shape: tuple[int, ...]
    offset: int
    bytes: int


@dataclass(frozen=True)
class Matrix:
    """A projection and how it is stored. N = `projection.rows`, K = `projection.columns`.

    Each format has its own, which says in `tensors` what it stores.
    """

    projection: Projection
    storage: Blocks | Float

    @property
    def blocks(self) -> int:
        """Blocks along one row, the last one padded; 0 for floats."""
        return math.ceil(self.projection.columns / self.storage.block) if isinstance(self.storage, Blocks) else 0

    @property
    def bits(self) -> int:
        """Bits of a stored weight, without scales."""
        if isinstance(self.storage, Blocks):
            return self.storage.bits
        return 16 if self.storage == "fp16" else 32

    @property
    def block(self) -> int:
        """Weights that share a scale; 0 for floats."""
        return self.storage.block if isinstance(self.storage, Blocks) else 0

    @cached_property
    def bytes(self) -> int:
        """Bytes in the file, scales and padding included."""
        return sum(tensor_bytes(dtype, shape) for _, dtype, shape in self.tensors())

    @property
    def loaded_bytes(self) -> int:
        """Bytes the kernel holds: as stored, but fp16 widened to fp32."""
        return 2 * self.bytes if self.storage == "fp16" else self.bytes

    def tensors(self) -> Iterator[tuple[str, DType, tuple[int, ...]]]:
        """Yield name, type and shape of what is stored, in the order of the file."""
        raise NotImplementedError


@dataclass(frozen=True)
class Layout(Generic[M_co]):
    """All matrices and tensors of a variant in file order; each format's layout adds what is its own."""

    spec: DecoderSpec
    context: int
    kv_bits: int
    table: M_co
    head: M_co | None
    projections: tuple[M_co, ...]
    tensors: tuple[StoredTensor, ...]

    @property
    def format(self) -> str:
        """The format it is written in."""
        raise NotImplementedError

    @property
    def runtime(self) -> RuntimeRequirement:
        """What must be installed to run it."""
        raise NotImplementedError

    @property
    def weights_bytes(self) -> int:
        """Exact bytes of what is stored."""
        raise NotImplementedError

    @property
    def resident_bytes(self) -> int:
        """Bytes the runtime keeps of the weights once they are packed for the processor."""
        raise NotImplementedError

    @property
    def loading_bytes(self) -> int:
        """Bytes held beside `resident_bytes` while the weights are packed."""
        raise NotImplementedError

    def cache_bytes(self, tokens: int) -> int:
        """Bytes of the key/value cache that are resident once it holds `tokens`."""
        raise NotImplementedError

    def activation_bytes(self, rows: int, tokens: int) -> int:
        """Bytes of intermediate values while `rows` tokens are computed on top of others, `tokens` in all."""
        raise NotImplementedError

    def decoder_shape(self, graph: str) -> DecoderShape:
        """Return what an engine must know to drive the graph at the path `graph`."""
        raise NotImplementedError

    @property
    def kv_cache_bytes(self) -> int:
        """Bytes of the key/value cache; the scales of a quantised one are weights."""
        return self.spec.kv_cache_bytes(self.context, self.kv_bits)

    @property
    def matrices(self) -> tuple[M_co, ...]:
        """Every stored matrix in file order."""
        return (self.table, *self.projections) if self.head is None else (self.table, *self.projections, self.head)

    def matrix(self, projection: Projection) -> M_co:
        """Return how a projection of a layer is stored."""
        return self._by_projection[projection.name]

    @cached_property
    def _by_projection(self) -> dict[str, M_co]:
        return {matrix.projection.name: matrix for matrix in self.projections}

    @property
    def products(self) -> tuple[M_co, ...]:
        """Every matrix a token is multiplied by, the head included (it reads the table when tied)."""
        return (*self.projections, self.head or replace(self.table, projection=self.spec.head))

    def window(self, layer: Layer) -> int | None:
        """Return how many tokens a layer's attention sees where that is fewer than the cache holds."""
        window = layer.attention.window
        return window if window is not None and window < self.context else None

    @property
    def matmuls(self) -> tuple[tuple[int, int, int, int], ...]:
        """(N, K, bits, block) of every product, for estimates of speed; floats have block 0."""
        return tuple((m.projection.rows, m.projection.columns, m.bits, m.block) for m in self.products)

    @property
    def effective_bits(self) -> float:
        """Bits a weight of the stored matrices, with scales, zero points and padding."""
        weights = sum(m.projection.rows * m.projection.columns for m in self.matrices)
        return 8 * sum(m.bytes for m in self.matrices) / weights

    @property
    def decode_read_bytes(self) -> int:
        """Bytes of weights the processor reads for one token; fp16 matrices are held as fp32 once loaded."""
        return round(sum(m.projection.share * m.loaded_bytes for m in self.products))

    @property
    def loaded_bytes(self) -> int:
        """Bytes of weights in memory once loaded: the matrices as the kernels hold them, tables, norms and biases.

        A tied table counts once: the embedding reads single rows of the mapped file.
        """
        matrices = sum(m.bytes for m in self.matrices)
        table = self.table.bytes if self.head is not None else 0
        held = sum(m.loaded_bytes for m in self.products)
        return held + table + sum(t.bytes for t in self.tensors) - matrices

    @cached_property
    def by_name(self) -> dict[str, StoredTensor]:
        """Stored tensors by name."""
        return {tensor.name: tensor for tensor in self.tensors}


AnyLayout: TypeAlias = Layout[Matrix]
