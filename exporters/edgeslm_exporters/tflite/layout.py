"""Where every byte of `model.tflite` behind its flatbuffer lies, from the spec alone, and which forms may be written.

The file is one flatbuffer, and behind it the tensors in this order, each at a multiple of ALIGNMENT. One scale a row
lies in the flatbuffer, where the schema wants it; the scales of blocks are tensors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeslm_agent.contract.manifest import DecoderShape, RuntimeRequirement
from edgeslm_agent.engine.runtime.litert_calls import cache_size
from edgeslm_exporters import matrices
from edgeslm_exporters.decoder_spec import Experts
from edgeslm_exporters.matrices import StoredTensor, resolve, tensor_bytes
from edgeslm_exporters.quantize.rotation import rotated_spec
from edgeslm_exporters.quantized_rows import Blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgeslm_exporters.decoder_spec import DecoderSpec, Projection, Rotary
    from edgeslm_exporters.matrices import DType
    from edgeslm_exporters.recipe import Recipe

FILE_NAME = "model.tflite"
MIN_LITERT = "2.2.0"  # the lowest that our runtime drives; found by running 2.0.3, 2.1.4, 2.1.6, 2.2.0 and 2.3.0
ALIGNMENT = 64  # what XNNPACK wants of weights it reads where they lie
POSITIONS = "embed_positions"  # the learned table's rows that a cache can hold
PREFILL_SIZES = (32, 128)  # tokens a signature reads at once
SCORE_ROWS = 8  # of which `score_N` gives the logits; it also reads the end of a prompt, in twice the time of a step
PIECE_BYTES = 4 << 20  # of the head that are packed at once, if no other product is larger
PIECES = 5  # that XNNPACK puts behind each other
PIECE_ROWS = 64  # a piece begins at a multiple: codes, scales and biases are aligned there
XNNPACK_BLOCK = 32  # blocks must be multiples of it: others load without a word and run 300 times slower


@dataclass(frozen=True)
class Matrix(matrices.Matrix):
    """A projection as FULLY_CONNECTED and EMBEDDING_LOOKUP read it."""

    @property
    def by_row(self) -> bool:
        """Whether it has one scale a row."""
        return isinstance(self.storage, Blocks) and self.storage.per_row

    def tensors(self) -> Iterator[tuple[str, DType, tuple[int, ...]]]:
        """Yield name, type and shape of what is stored: codes and scales, or floats."""
        name, shape = self.projection.name, (self.projection.rows, self.projection.columns)
        if isinstance(self.storage, Blocks):
            yield f"{name}.codes", "int8" if self.storage.bits == 8 else "int4", shape
            yield f"{name}.scales", *(("float32", shape[:1]) if self.by_row else ("float16", (shape[0], self.blocks)))
        else:
            yield f"{name}.weight", "float16" if self.storage == "fp16" else "float32", shape


@dataclass(frozen=True)
class Layout(matrices.Layout[Matrix]):
    """All tensors of a variant in file order; offsets count from the end of the flatbuffer."""

    @property
    def format(self) -> str:
        """The format it is written in."""
        return "tflite"

    @property
    def runtime(self) -> RuntimeRequirement:
        """What must be installed to run it."""
        return RuntimeRequirement("ai-edge-litert", MIN_LITERT)

    @property
    def data_bytes(self) -> int:
        """Bytes behind the flatbuffer."""
        last = self.tensors[-1]
        return last.offset + last.bytes

    @property
    def weights_bytes(self) -> int:
        """Bytes of all weights, tables and scales, those in the flatbuffer included."""
        return self.data_bytes + sum(4 * m.projection.rows for m in self.matrices if m.by_row)

    @property
    def prefill_sizes(self) -> tuple[int, ...]:
        """Tokens that each prefill signature reads."""
        return tuple(size for size in PREFILL_SIZES if size <= self.context)

    @property
    def score_size(self) -> int:
        """Tokens that the score signature reads."""
        return min(SCORE_ROWS, self.context)

    @property
    def head_pieces(self) -> tuple[range, ...]:
        """Rows of the head that are multiplied together: XNNPACK never frees the buffer its largest product took."""
        head = self.products[-1]
        pieces = min(PIECES, -(-head.loaded_bytes // max(PIECE_BYTES, self._largest_other)))
        rows = -(-head.projection.rows // (pieces * PIECE_ROWS)) * PIECE_ROWS
        starts = range(0, head.projection.rows, rows)
        return tuple(range(start, min(start + rows, head.projection.rows)) for start in starts)

    @property
    def _largest_other(self) -> int:
        return max(matrix.loaded_bytes for matrix in self.products[:-1])

    @property
    def resident_bytes(self) -> int:
        """Bytes kept once loaded: XNNPACK packs two floats a row beside the weights; the file's pages are given back.

        Every signature keeps the scale and the zero point of each row that has its own. XNNPACK also keeps the buffer
        that the largest product was packed in.
        """
        packed = sum(matrix.loaded_bytes + 8 * matrix.projection.rows for matrix in self.products)
        head = self.products[-1]
        piece = head.loaded_bytes * len(self.head_pieces[0]) // head.projection.rows
        buffer = max(self._largest_other, piece)
        scales = 8 * (len(self.prefill_sizes) + 2) * sum(m.projection.rows for m in self.products if m.by_row)
        return packed + scales + buffer

    @property
    def loading_bytes(self) -> int:
        """Bytes held beside those while loading: all fp16 of the file; others are packed one by one in that buffer."""
        return sum(matrix.bytes for matrix in self.products if matrix.storage == "fp16")

    def cache_bytes(self, tokens: int) -> int:
        """Bytes of the caches, which have room for a little more than they hold."""
        return self.spec.kv_cache_bytes(cache_size(tokens, 0, self.context))

    def activation_bytes(self, rows: int, tokens: int) -> int:
        """Bytes of intermediate values while `rows` tokens are computed with caches that have room for `tokens`.

        The widest tensors of a layer, its scores and what is added to them, repacked keys and values, and the logits
        that `score_N` gives, in pieces and joined. The factors are those seen (bench/memory.py).
        """
        spec, cache = self.spec, cache_size(tokens, 0, self.context)
        width = 4 * spec.intermediate + 2 * spec.hidden + 2 * spec.query_size + 2 * spec.kv_size
        scores, repacked = 1.8 * rows * cache * spec.heads, 2.3 * cache * spec.kv_size
        logits = 2 * self.score_size * spec.vocab
        return round(4 * (rows * width + scores + repacked + logits))

    def decoder_shape(self, graph: str) -> DecoderShape:
        """Return what an engine must know to drive the file at the path `graph`."""
        return DecoderShape(
            graph=graph,
            layers=self.spec.layers,
            kv_heads=self.spec.kv_heads,
            head_size=self.spec.head_size,
            vocab_size=self.spec.vocab,
            context=self.context,
            position_ids=True,
            kv_bits=self.kv_bits,
        )


def rotary_names(spec: DecoderSpec) -> dict[Rotary, str]:
    """Return what the tables of each rotation are called."""
    return {rotary: f"rotary.{index}" if index else "rotary" for index, rotary in enumerate(spec.rotaries)}


def refusals(spec: DecoderSpec, recipe: Recipe) -> tuple[str, ...]:
    """Return every reason why this decoder is not written as .tflite under this recipe; none means it is."""
    return tuple(dict.fromkeys((*_refused_parts(spec), *_refused_storages(spec, recipe))))


def _refused_parts(spec: DecoderSpec) -> Iterator[str]:
    if any(isinstance(layer.mlp, Experts) for layer in spec.stack):
        yield f"{spec.model_type}: experts chosen by token have no TFLite operator that skips the others"


def _refused_storages(spec: DecoderSpec, recipe: Recipe) -> Iterator[str]:
    if recipe.kv_bits is not None:
        yield "the cache of a TFLite decoder is fp32: no operator extends a quantised one"
    for projection in (spec.embedding, spec.head, *spec.projections()):
        yield from _refused_storage(projection, recipe)


def _refused_storage(projection: Projection, recipe: Recipe) -> Iterator[str]:
    storage = resolve(recipe.storage(projection.tensor_class), 1) if projection.tensor_class else "fp32"
    if not isinstance(storage, Blocks):
        return
    columns, block = projection.columns, storage.block
    if not storage.symmetric:
        yield "XNNPACK has no 4 or 8-bit weights with zero points: take a recipe that begins with wi"
    elif storage.per_row and storage.bits == 4 and columns % 2:
        yield f"rows of {columns} weights do not fill bytes of two 4-bit codes"
    elif not storage.per_row and storage.bits == 8:
        yield "XNNPACK multiplies 8-bit weights with one scale a row only: take i8"
    elif not storage.per_row and (block % XNNPACK_BLOCK or columns % block):
        yield f"XNNPACK takes blocks of {XNNPACK_BLOCK} or its multiples that divide a row: not {block} in {columns}"


def layout(spec: DecoderSpec, recipe: Recipe, context: int) -> Layout:
    """Return the exact layout of a decoder under a recipe, for a cache of `context` tokens.

    Raises UnsupportedArchitecture when the recipe rotates what cannot be rotated.
    """
    spec = rotated_spec(spec) if recipe.rotates else spec
    table = _matrix(spec.embedding, recipe)
    head = None if spec.tied else _matrix(spec.head, recipe)
    projections = tuple(_matrix(projection, recipe) for projection in spec.projections())
    stored = (table, *projections) if head is None else (table, *projections, head)
    places = tuple(_placed(_contents(spec, stored, context)))
    return Layout(spec, context, recipe.kv_bits or 32, table, head, projections, places)


def _matrix(projection: Projection, recipe: Recipe) -> Matrix:
    if projection.tensor_class is None:
        return Matrix(projection, "fp32")
    return Matrix(projection, resolve(recipe.storage(projection.tensor_class), projection.columns))


def _contents(
    spec: DecoderSpec, stored: tuple[Matrix, ...], context: int
) -> Iterator[tuple[str, DType, tuple[int, ...]]]:
    for name in rotary_names(spec).values():
        yield f"{name}.cos", "float32", (context, spec.head_size)
        yield f"{name}.sin", "float32", (context, spec.head_size)
    if spec.positions is not None:
        yield POSITIONS, "float32", (min(context, spec.positions.rows), spec.hidden)
    for norm in spec.norms():
        for name, stacked in norm.tensors.items():
            yield name, "float32", (norm.width,) if len(stacked) == 1 else (len(stacked), norm.width)
    for matrix in stored:
        codes, *scales = matrix.tensors()
        yield codes
        yield from () if matrix.by_row else scales
        if matrix.projection.biased:
            yield f"{matrix.projection.name}.bias", "float32", (matrix.projection.rows,)


def _placed(contents: Iterator[tuple[str, DType, tuple[int, ...]]]) -> Iterator[StoredTensor]:
    end = 0
    for name, dtype, shape in contents:
        offset = -(-end // ALIGNMENT) * ALIGNMENT
        size = tensor_bytes(dtype, shape)
        yield StoredTensor(name, dtype, shape, offset, size)
        end = offset + size
