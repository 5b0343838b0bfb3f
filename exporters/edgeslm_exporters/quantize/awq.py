"""AWQ: channels that matter are scaled up before rounding, and what feeds them is scaled down by as much.

Where a matrix reads x, W x = (W diag(s)) (x / s). 1 / s goes into what makes x: the factors of a norm, the value rows
before the heads' output, the up rows before down. The graph stays the same and so do the logits, but columns with
strong inputs round more finely. s = magnitude^alpha, and alpha is searched for the least error of the products.
The scales of the rounding are searched afterwards (searched.py), where the paper clips.
Source: Lin et al., arXiv 2306.00978, section 3.2.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgeslm_exporters.decoder_spec import Experts
from edgeslm_exporters.part_reader import part_rows
from edgeslm_exporters.quantize.blockwise import quantize_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from edgeslm_exporters.decoder_spec import DecoderSpec, Layer, Mlp, Norm, Projection
    from edgeslm_exporters.quantize.inputs import Inputs
    from edgeslm_exporters.quantized_rows import Blocks
    from edgeslm_exporters.weights import Weights

    Floats = NDArray[np.float32]

ALPHAS = tuple(step / 20 for step in range(21))
WIDEST = 1e4  # between the largest and the smallest factor
STRIP = 384 * 1024  # weights tried at a time


@dataclass(frozen=True)
class Feed:
    """`readers` multiply what `norm` or the rows [first, first + columns) of `maker` put out.

    `repeats` is how many neighbouring groups of `group` inputs read the same group of rows (grouped-query attention).
    """

    readers: tuple[Projection, ...]
    norm: Norm | None = None
    maker: Projection | None = None
    first: int = 0
    group: int = 1
    repeats: int = 1

    def tied(self, factors: Floats) -> Floats:
        """Return factors [columns] with those that read the same row made equal, by their geometric mean."""
        apart = np.log(factors).reshape(-1, self.repeats, self.group)
        equal: Floats = np.exp(np.broadcast_to(apart.mean(axis=1, keepdims=True), apart.shape)).reshape(-1)
        return equal.astype(np.float32)

    def made(self, factors: Floats) -> Floats:
        """Return the factor of each row that is read, from those of the inputs."""
        return factors.reshape(-1, self.repeats, self.group)[:, 0].reshape(-1)


def feeds(spec: DecoderSpec) -> Iterator[Feed]:
    """Yield every place of a decoder where factors can move from matrices into what feeds them."""
    for layer in spec.stack:
        yield from _norm_feeds(layer)
        rows = spec.query_size + spec.kv_size
        repeats = spec.heads // spec.kv_heads
        yield Feed((layer.attention.output,), None, layer.attention.qkv, rows, spec.head_size, repeats)
        yield from (_mlp_feed(mlp) for mlp in _mlps(layer) if mlp.gated or mlp.activation == "relu")


def _norm_feeds(layer: Layer) -> Iterator[Feed]:
    opened: tuple[Projection, ...] = tuple(mlp.up for mlp in _mlps(layer))
    if isinstance(layer.mlp, Experts):
        opened = (layer.mlp.router, *opened)
    shared = layer.parallel and layer.mlp_norm is None
    if layer.attention_norm is not None:
        yield Feed((layer.attention.qkv, *(opened if shared else ())), layer.attention_norm)
    if layer.mlp_norm is not None:
        yield Feed(opened, layer.mlp_norm)


def _mlp_feed(mlp: Mlp) -> Feed:
    return Feed((mlp.down,), None, mlp.up, mlp.up.rows - mlp.down.columns)


def _mlps(layer: Layer) -> Sequence[Mlp]:
    return layer.mlp.mlps if isinstance(layer.mlp, Experts) else (layer.mlp,)


class ScaledWeights:
    """Weights whose tensors are multiplied by factors for rows and columns; a norm's factors count its offset in."""

    def __init__(self, weights: Weights) -> None:
        """Start without any factor."""
        self._weights = weights
        self._rows: dict[str, Floats] = {}
        self._columns: dict[str, Floats] = {}
        self._offsets: defaultdict[str, float] = defaultdict(float)

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shape of every tensor by name."""
        return self._weights.shapes

    def rows(self, name: str, start: int, stop: int) -> Floats:
        """Return rows [start, stop) of a tensor as float32 [rows, columns]; a vector is one row."""
        values = self._weights.rows(name, start, stop)
        if name in self._columns:
            offset = np.float32(self._offsets[name])
            values = (values + offset) * self._columns[name] - offset
        return values * self._rows[name][start:stop, None] if name in self._rows else values

    def power(self, projection: Projection, power: Floats) -> Floats:
        """Return the power of a projection's inputs [columns] after scaling, from that before."""
        part = projection.parts[0]
        factors = (self._rows if part.transposed else self._columns).get(part.weight)
        return power if factors is None else (power / np.square(factors)).astype(np.float32)

    def move(self, feed: Feed, factors: Floats) -> None:
        """Multiply what reads a feed by `factors` [columns], and divide what feeds it."""
        for reader in feed.readers:
            for part in {part.weight: part for part in reader.parts}.values():
                self._scale(part.weight, factors, rows=part.transposed)
        if feed.norm is not None:
            for tensor in (feed.norm.weight, feed.norm.bias):
                if tensor is not None:
                    self._scale(tensor, np.reciprocal(factors), rows=False)
            self._offsets[feed.norm.weight] = feed.norm.offset
        elif feed.maker is not None:
            self._divide_rows(feed.maker, feed.first, feed.made(factors))

    def _divide_rows(self, maker: Projection, first: int, factors: Floats) -> None:
        """Divide the rows [first, first + len(factors)) of a projection, whichever parts they lie in."""
        start = 0
        for part in maker.parts:
            low, high = max(first, start), min(first + len(factors), start + part.rows)
            if low < high:
                all_rows = np.ones(part.total or part.rows, np.float32)
                place = slice(part.start + low - start, part.start + high - start)
                all_rows[place] = 1 / factors[low - first : high - first]
                self._scale(part.weight, all_rows, rows=not part.transposed)
                if part.bias is not None:
                    self._scale(part.bias, all_rows, rows=False)
            start += part.rows

    def _scale(self, tensor: str, factors: Floats, *, rows: bool) -> None:
        kept = self._rows if rows else self._columns
        kept[tensor] = kept[tensor] * factors if tensor in kept else factors


def scaled(
    weights: Weights, spec: DecoderSpec, forms: Mapping[str, Blocks], inputs: Mapping[str, Inputs]
) -> ScaledWeights:
    """Return the weights with the factors that lower the error of quantised products, on inputs held out as well.

    `forms` says by name how projections are quantised, `inputs` what they read.
    """
    result = ScaledWeights(weights)
    for feed in feeds(spec):
        tried = [(r, forms[r.name]) for r in feed.readers if r.name in forms and r.name in inputs]
        if tried:
            factors = _best_factors(weights, feed, tried, inputs)
            if factors is not None:
                result.move(feed, factors)
    return result


def _best_factors(
    weights: Weights, feed: Feed, tried: Sequence[tuple[Projection, Blocks]], inputs: Mapping[str, Inputs]
) -> Floats | None:
    """Return the factors with the least error, or None when none is better than leaving the weights alone."""
    magnitudes = np.mean([inputs[reader.name].magnitudes for reader, _ in tried], axis=0)
    choices = [feed.tied(_factors(magnitudes, alpha)) for alpha in ALPHAS]
    errors, checks = np.zeros(len(ALPHAS)), np.zeros(len(ALPHAS))
    for reader, form in tried:
        for part in reader.parts:
            step = max(1, STRIP // reader.columns)
            for start in range(0, part.rows, step):
                values = part_rows(weights, part, start, min(start + step, part.rows))
                for index, factors in enumerate(choices):
                    off = _error(values, factors, form)
                    errors[index] += ((off @ inputs[reader.name].moments) * off).sum()
                    checks[index] += np.square(off @ inputs[reader.name].checks.T).sum()
    best = int(errors.argmin())
    return choices[best] if checks[best] < checks[0] else None


def _factors(magnitudes: Floats, alpha: float) -> Floats:
    strong = np.maximum(magnitudes, magnitudes.max(initial=1e-20) / WIDEST) ** np.float32(alpha)
    factors: Floats = (strong / np.sqrt(strong.max() * strong.min())).astype(np.float32)
    return factors


def _error(values: Floats, factors: Floats, form: Blocks) -> Floats:
    """Return what rounding the scaled weights changes, as seen by the inputs before scaling."""
    rows = quantize_rows(values * factors, form.bits, form.block, symmetric=form.symmetric, per_row=form.per_row)
    off: Floats = rows.dequantize(form.bits, values.shape[1]) / factors - values
    return off
