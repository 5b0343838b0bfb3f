"""Rotation before quantising: the stream between layers is turned so that no channel is much stronger than others.

With an orthogonal R, what is added to the stream is multiplied by R and what reads it by R's transpose, so the logits
stay; outliers of single channels are spread over all of them, and blocks of weights become easier to round. A norm by
root mean square does not see the rotation once its factors are multiplied into the matrices that read it. R is a random
sign for each channel, then a Hadamard matrix over 64 neighbours (or as many as divide the width) and an orthogonal
matrix across these groups: Hadamard's, or the cosine transform's where their number is no power of two.
Source: QuaRot, arXiv 2404.00456, stage 1a (without what would have to run on the device).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from edgeslm_agent.errors import UnsupportedArchitecture
from edgeslm_exporters.decoder_spec import Experts, Part

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from edgeslm_exporters.decoder_spec import DecoderSpec, Layer, Norm, Projection
    from edgeslm_exporters.weights import Weights

    Floats = NDArray[np.float32]

SEED = 2404
NEIGHBOURS = 64
ROTATED_HEAD = "head of the rotated decoder"  # the name of a head that shared the embedding's table


def rotated_spec(spec: DecoderSpec) -> DecoderSpec:
    """Return the spec of the rotated decoder: its head has a table of its own, with the last norm's factors in it.

    Raises UnsupportedArchitecture for a decoder whose norms would see the rotation.
    """
    if reasons := tuple(_obstacles(spec)):
        raise UnsupportedArchitecture(
            f"{spec.model_type} cannot be rotated: {'; '.join(reasons)}", "take a recipe without -rot"
        )
    if not spec.tied:
        return spec
    head = replace(spec.head, parts=(Part(ROTATED_HEAD, spec.vocab),))
    return replace(spec, head=head)


def _obstacles(spec: DecoderSpec) -> Iterator[str]:
    norms = [spec.final_norm, *(n for layer in spec.stack for n in (layer.attention_norm, layer.mlp_norm) if n)]
    if any(norm.kind != "rms" for norm in norms):
        yield "its norms take a mean away"
    if spec.embedding_norm is not None or any(layer.attended_norm or layer.fed_norm for layer in spec.stack):
        yield "it has norms whose result is added to the stream"
    projections = (spec.embedding, spec.head, *spec.projections())
    if any(part.transposed for projection in projections for part in projection.parts):
        yield "its matrices are stored inputs first"


@dataclass(frozen=True)
class _Turn:
    """What becomes of tensor `source`: its rows are turned, after the factors of `norm`; or its columns (`writes`)."""

    source: str
    norm: Norm | None = None
    writes: bool = False


class RotatedWeights:
    """The weights of a rotated decoder; one whole matrix that writes to the stream is in memory at a time."""

    def __init__(self, weights: Weights, spec: DecoderSpec) -> None:
        """Turn `weights`, whose decoder is `spec` as the checkpoint has it."""
        self._weights = weights
        self._turns = dict(_turns(spec))
        self._ones = {norm.weight: norm for norm in _folded(spec)}
        self._rotation = Rotation(spec.hidden)
        self._turned = lru_cache(maxsize=2)(self._whole)

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shape of every tensor by name."""
        return {**self._weights.shapes, **{n: self._weights.shapes[turn.source] for n, turn in self._turns.items()}}

    def rows(self, name: str, start: int, stop: int) -> Floats:
        """Return rows [start, stop) of a tensor as float32 [rows, columns]; a vector is one row."""
        if name in self._ones:
            norm = self._ones[name]
            return np.full((1, norm.width), 1.0 - norm.offset, np.float32)
        turn = self._turns.get(name)
        if turn is None:
            return self._weights.rows(name, start, stop)
        if turn.writes and len(self._weights.shapes[turn.source]) == 2:
            return self._turned(name)[start:stop]
        values = self._weights.rows(turn.source, start, stop)
        if turn.norm is not None:
            values = values * (self._weights.rows(turn.norm.weight, 0, 1) + np.float32(turn.norm.offset))
        return self._rotation.applied(values)

    def _whole(self, name: str) -> Floats:
        source = self._turns[name].source
        values = self._weights.rows(source, 0, self._weights.shapes[source][0])
        return np.ascontiguousarray(self._rotation.applied(np.ascontiguousarray(values.T)).T)


class Rotation:
    """R of one width, applied to rows: x -> x R."""

    def __init__(self, width: int) -> None:
        neighbours = math.gcd(width, NEIGHBOURS)
        self._shape = (width // neighbours, neighbours)
        self._across, self._within = _mixer(width // neighbours), _mixer(neighbours)
        self._signs = np.random.default_rng(SEED).choice(np.array([-1, 1], np.float32), width)

    def applied(self, values: Floats) -> Floats:
        """Return float32 [rows, width] turned."""
        apart = (values * self._signs).reshape(-1, *self._shape)
        turned: Floats = (self._across.T @ (apart @ self._within)).reshape(values.shape)
        return turned


def _mixer(size: int) -> Floats:
    """Return an orthogonal matrix that mixes all of `size` values: Hadamard's, or that of the cosine transform."""
    if size & (size - 1) == 0:
        hadamard: NDArray[np.floating] = np.ones((1, 1))
        while len(hadamard) < size:
            hadamard = np.kron(hadamard, [[1, 1], [1, -1]])
        return (hadamard / math.sqrt(size)).astype(np.float32)
    index = np.arange(size)
    cosines: NDArray[np.float64] = np.cos(np.pi * (index + 0.5) * index[:, None] / size) * math.sqrt(2 / size)
    cosines[0] /= math.sqrt(2)
    turned: Floats = cosines.T.astype(np.float32)
    return turned


def _turns(spec: DecoderSpec) -> Iterator[tuple[str, _Turn]]:
    """Yield what becomes of each tensor that reads the stream or writes to it."""
    yield spec.embedding.parts[0].weight, _Turn(spec.embedding.parts[0].weight)
    if spec.positions is not None:
        yield spec.positions.weight, _Turn(spec.positions.weight)
    for part, rotated in zip(spec.head.parts, rotated_spec(spec).head.parts, strict=True):
        yield rotated.weight, _Turn(part.weight, spec.final_norm)
    for layer in spec.stack:
        for projection, norm in _readers(layer):
            for part in projection.parts:
                yield part.weight, _Turn(part.weight, norm)
        for projection in _writers(layer):
            for part in projection.parts:
                for tensor in (part.weight, part.bias):
                    if tensor is not None:
                        yield tensor, _Turn(tensor, writes=True)


def _readers(layer: Layer) -> Iterator[tuple[Projection, Norm | None]]:
    yield layer.attention.qkv, layer.attention_norm
    norm = layer.attention_norm if layer.parallel and layer.mlp_norm is None else layer.mlp_norm
    if isinstance(layer.mlp, Experts):
        yield layer.mlp.router, norm
        yield from ((mlp.up, norm) for mlp in layer.mlp.mlps)
    else:
        yield layer.mlp.up, norm


def _writers(layer: Layer) -> Iterator[Projection]:
    yield layer.attention.output
    mlps = layer.mlp.mlps if isinstance(layer.mlp, Experts) else (layer.mlp,)
    yield from (mlp.down for mlp in mlps)


def _folded(spec: DecoderSpec) -> Iterator[Norm]:
    yield spec.final_norm
    for layer in spec.stack:
        yield from (norm for norm in (layer.attention_norm, layer.mlp_norm) if norm is not None)
