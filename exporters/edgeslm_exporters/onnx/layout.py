"""Where every byte of `model.onnx.data` lies, from the spec alone: the writer and the plan read the same numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeslm_agent.contract.manifest import DecoderShape, RuntimeRequirement
from edgeslm_agent.errors import UnsupportedOperator
from edgeslm_exporters import matrices
from edgeslm_exporters.matrices import StoredTensor, resolve, tensor_bytes
from edgeslm_exporters.quantize.rotation import rotated_spec
from edgeslm_exporters.quantized_rows import Blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgeslm_exporters.decoder_spec import DecoderSpec, Layer, Projection, Rotary
    from edgeslm_exporters.matrices import DType
    from edgeslm_exporters.recipe import Recipe

GRAPH_NAME, DATA_NAME = "model.onnx", "model.onnx.data"
ALIGNMENT = 4096  # a page: the runtime maps each tensor by itself
ROW_POINTS = "embed_tokens.row_points"  # zero points of a 4-bit table as the embedding reads them
POSITIONS = "embed_positions"  # the learned table's rows that a cache can hold
ROTARY_STEP = 16  # of GroupQueryAttention, when it rotates


@dataclass(frozen=True)
class Matrix(matrices.Matrix):
    """A projection as MatMulNBits or FusedMatMul reads it."""

    @property
    def needs_row_points(self) -> bool:
        """Whether, used as an embedding, it needs zero points of its own.

        Typed as uint4 a table has no default zero point, and no padding where a row has an odd number of blocks.
        """
        storage = self.storage
        return isinstance(storage, Blocks) and storage.bits == 4 and (storage.symmetric or self.blocks % 2 == 1)

    def tensors(self) -> Iterator[tuple[str, DType, tuple[int, ...]]]:
        """Yield name, type and shape of what is stored, in the order of the file."""
        name, rows = self.projection.name, self.projection.rows
        if isinstance(self.storage, Blocks):
            bits = self.storage.bits
            yield f"{name}.codes", "uint8", (rows, self.blocks, self.storage.block * bits // 8)
            yield f"{name}.scales", "float32", (rows, self.blocks)
            if not self.storage.symmetric:
                yield f"{name}.zero_points", "uint8", (rows, math.ceil(self.blocks * bits / 8))
        else:
            yield f"{name}.weight", "float16" if self.storage == "fp16" else "float32", (rows, self.projection.columns)


@dataclass(frozen=True)
class Layout(matrices.Layout[Matrix]):
    """All initialisers of a variant in file order."""

    @property
    def format(self) -> str:
        """The format it is written in."""
        return "onnx"

    @property
    def runtime(self) -> RuntimeRequirement:
        """What must be installed to run it."""
        return RuntimeRequirement("onnxruntime", self.min_onnxruntime)

    @property
    def weights_bytes(self) -> int:
        """Exact size of model.onnx.data."""
        last = self.tensors[-1]
        return last.offset + last.bytes

    @property
    def fused_rotary(self) -> bool:
        """Whether attention rotates query and key itself: it takes heads and rotations of multiples of 16 only."""
        return all(size % ROTARY_STEP == 0 for size in (self.spec.head_size, *(r.size for r in self.spec.rotaries)))

    @property
    def position_ids(self) -> bool:
        """Whether the graph reads the position of every token: for a learned table, or a rotation outside attention."""
        return self.spec.positions is not None or bool(self.spec.rotaries and not self.fused_rotary)

    @property
    def biased_attention(self) -> bool:
        """Whether a layer adds to its scores: a window, or a slope by distance."""
        return any(layer.attention.alibi or self.window(layer) for layer in self.spec.stack)

    @property
    def min_onnxruntime(self) -> str:
        """The lowest version that runs the graph: found by running 1.20.1, 1.21.1, 1.22.1, 1.23.2 and 1.31.1.

        With a quantised cache also 1.24.4, 1.26, 1.27 and 1.28: 1.26 takes the graph and fails on the first token.
        """
        if self.kv_bits < 32:
            return "1.27"
        if any(matrix.bits == 8 for matrix in self.matrices):
            return "1.23"
        return "1.22" if self.biased_attention else "1.20"

    @property
    def resident_bytes(self) -> int:
        """Bytes the kernels keep: floats as fp32, codes with two floats a block (its scale, its scale times its zero).

        Packing copies; the file's pages are given back. The embedding reads rows of the mapped file.
        """
        return sum(matrix.loaded_bytes + 4 * matrix.blocks * matrix.projection.rows for matrix in self.products)

    @property
    def loading_bytes(self) -> int:
        """Bytes held beside those while loading: the largest matrix once more, and the file's scales."""
        scales = [4 * matrix.blocks * matrix.projection.rows for matrix in self.products]
        codes = (matrix.loaded_bytes - scale for matrix, scale in zip(self.products, scales, strict=True))
        return max(codes) + sum(scales)

    def cache_bytes(self, tokens: int) -> int:
        """Bytes of the cache whose pages were written: as far as it is filled."""
        return self.spec.kv_cache_bytes(min(tokens, self.context), self.kv_bits)

    def activation_bytes(self, rows: int, tokens: int) -> int:
        """Bytes of intermediate values while `rows` tokens are computed on top of others, `tokens` in all.

        That is the widest tensors of a layer and one position's logits twice. Attention works in tiles and holds no
        scores, except where a bias is added to them: that lives through all layers, with the distances (int64) that it
        is made of.
        """
        spec = self.spec
        width = 4 * spec.intermediate + 2 * spec.hidden + 2 * spec.query_size + 2 * spec.kv_size
        bias = 3 + spec.heads if any(layer.attention.alibi for layer in spec.stack) else 4
        scores = rows * tokens * (spec.heads + bias) if self.biased_attention else 0
        return 4 * (rows * width + scores + 2 * spec.vocab)

    def decoder_shape(self, graph: str) -> DecoderShape:
        """Return what an engine must know to drive this layout's graph at the path `graph`."""
        return DecoderShape(
            graph=graph,
            layers=self.spec.layers,
            kv_heads=self.spec.kv_heads,
            head_size=self.spec.head_size,
            vocab_size=self.spec.vocab,
            context=self.context,
            position_ids=self.position_ids,
            kv_bits=self.kv_bits,
        )


def rotary_names(spec: DecoderSpec) -> dict[Rotary, str]:
    """Return what the tables of each rotation are called."""
    return {rotary: f"rotary.{index}" if index else "rotary" for index, rotary in enumerate(spec.rotaries)}


def scale_names(layer: Layer) -> tuple[str, str]:
    """Return what the scales of a layer's quantised keys and values are called."""
    return f"{layer.name}.key_scales", f"{layer.name}.value_scales"


def layout(spec: DecoderSpec, recipe: Recipe, context: int) -> Layout:
    """Return the exact layout of a decoder under a recipe, for a cache of `context` tokens.

    Raises UnsupportedArchitecture when the recipe rotates what cannot be rotated, UnsupportedOperator when it asks for
    two cached values in a byte and heads are of odd size.
    """
    if recipe.kv_bits == 4 and spec.head_size % 2:
        raise UnsupportedOperator(f"heads of {spec.head_size} values do not fill bytes of two", "take -kv8")
    spec = rotated_spec(spec) if recipe.rotates else spec
    table = Matrix(spec.embedding, resolve(recipe.table, spec.hidden))
    head = None if spec.tied else Matrix(spec.head, resolve(recipe.table, spec.hidden))
    projections = tuple(_matrix(p, recipe) for p in spec.projections())
    matrices = (table, *projections) if head is None else (table, *projections, head)
    kv_bits = recipe.kv_bits or 32
    places = tuple(_placed(_contents(spec, matrices, context, kv_bits)))
    return Layout(spec, context, kv_bits, table, head, projections, places)


def _matrix(projection: Projection, recipe: Recipe) -> Matrix:
    if projection.tensor_class is None:
        return Matrix(projection, "fp32")
    return Matrix(projection, resolve(recipe.storage(projection.tensor_class), projection.columns))


def _contents(
    spec: DecoderSpec, matrices: tuple[Matrix, ...], context: int, kv_bits: int
) -> Iterator[tuple[str, DType, tuple[int, ...]]]:
    for rotary, name in rotary_names(spec).items():
        yield f"{name}.cos", "float32", (context, rotary.size // 2)
        yield f"{name}.sin", "float32", (context, rotary.size // 2)
    if spec.positions is not None:
        yield POSITIONS, "float32", (min(context, spec.positions.rows), spec.hidden)
    for layer in spec.stack if kv_bits < 32 else ():
        for name in scale_names(layer):
            yield name, "float32", (1, spec.kv_heads, 1, spec.head_size)
    for norm in spec.norms():
        for name, stacked in norm.tensors.items():
            yield name, "float32", (norm.width,) if len(stacked) == 1 else (len(stacked), norm.width)
    for matrix in matrices:
        yield from matrix.tensors()
        if matrix.projection.biased:
            yield f"{matrix.projection.name}.bias", "float32", (matrix.projection.rows,)
        if matrix is matrices[0] and matrix.needs_row_points:
            yield ROW_POINTS, "uint8", (math.ceil(spec.vocab * matrix.blocks / 2),)


def _placed(contents: Iterator[tuple[str, DType, tuple[int, ...]]]) -> Iterator[StoredTensor]:
    end = 0
    for name, dtype, shape in contents:
        offset = -(-end // ALIGNMENT) * ALIGNMENT
        size = tensor_bytes(dtype, shape)
        yield StoredTensor(name, dtype, shape, offset, size)
        end = offset + size
