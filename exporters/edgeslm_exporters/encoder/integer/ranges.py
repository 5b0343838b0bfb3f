"""What int8 values hold: the range of each, seen while the floats read a text without padding.

Rows of padding may then leave the range and are cut off; nobody reads them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeslm_exporters.encoder.integer.floats import compute
from edgeslm_exporters.encoder.integer.flow import IDS, MASK
from edgeslm_exporters.encoder.integer.graph import SAME_RANGE
from edgeslm_exporters.tflite.schema import Op

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from edgeslm_exporters.encoder.integer.flow import IntegerEncoder
    from edgeslm_exporters.encoder.integer.graph import Graph, Value

    Array = NDArray[Any]
    Span = tuple[float, float]  # smallest and largest

LEVELS, LOWEST = 255, -128
NARROWEST = 1e-6  # a range of nothing but zeros must not divide by zero
# How far below a row's largest score others count: e^-10 of 128 paddings is less than what softmax's int8 output shows.
DEPTH = 10.0
REACH = 4.0  # the usual range of variances ends at this many times the median token's


@dataclass(frozen=True)
class Rounding:
    """real = scale x (code - zero), with codes from -128 to 127."""

    scale: float
    zero: int


def rounding(low: float, high: float) -> Rounding:
    """Return the rounding of a range, which is widened to hold 0."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = float(np.float32(max(high - low, NARROWEST) / LEVELS))
    return Rounding(scale, int(np.clip(round(LOWEST - low / scale), LOWEST, LOWEST + LEVELS)))


def observe(encoder: IntegerEncoder, texts: Iterable[Sequence[int]]) -> list[Span]:
    """Return the smallest and largest number of each value of an encoder's graph over texts of ids."""
    seen = []
    for ids in texts:
        graph = encoder.graph(len(ids))
        row = np.array([ids], np.int32)
        found = dict(zip(graph.values, compute(graph, {IDS: row, MASK: np.ones(row.shape, np.float32)}), strict=True))
        seen.append([_span(value, found) for value in graph.values])
    whole = np.array(seen)
    return list(zip(whole[..., 0].min(axis=0).tolist(), whole[..., 1].max(axis=0).tolist(), strict=True))


def _span(value: Value, found: Mapping[Value, Array]) -> Span:
    result = found[value]
    if value.options.get("masked"):  # below that, a share is nothing
        return float(result.max(axis=-1).min()) - DEPTH, float(result.max())
    if value.options.get("reach") == "usual":
        return 0.0, _usual(value, found)
    return float(result.min()), float(result.max())


def _usual(value: Value, found: Mapping[Value, Array]) -> float:
    """Return where the usual range of squares, or of the variance taken from them, ends."""
    squares = found[value if value.op == Op.MUL else value.inputs[0]][0, 0]
    variance = squares.mean(axis=-1)
    limit = REACH * float(np.median(variance))
    return limit if value.op == Op.CONV_2D else float(squares[variance <= limit].max())


def roundings(graph: Graph, seen: Sequence[Span]) -> dict[Value, Rounding]:
    """Return the rounding of every int8 value of a graph, given what was seen of its like."""
    found: dict[Value, Rounding] = {}
    for value, span in zip(graph.values, seen, strict=True):
        if value.kind == "int8":
            same = value.op in SAME_RANGE
            found[value] = found[value.inputs[0]] if same else rounding(*(value.bounds or span))
    for value in graph.values:  # scores and what is left of them under the mask differ in nothing else
        if value.options.get("masked"):
            found[value.inputs[0]] = found[value]
    return found
