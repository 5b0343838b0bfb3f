"""What int8 values hold: the range of each, seen while the floats read a text without padding.

Rows of padding may then leave the range and are cut off; nobody reads them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgeslm_exporters.encoder.integer.floats import compute
from edgeslm_exporters.encoder.integer.flow import IDS, MASK, encoder_graph
from edgeslm_exporters.encoder.integer.graph import SAME_RANGE
from edgeslm_exporters.tflite.schema import Op

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from edgeslm_exporters.encoder.integer.graph import Graph, Value
    from edgeslm_exporters.encoder.integer.parts import EncoderParts
    from edgeslm_exporters.encoder.spec import EncoderSpec

LEVELS, LOWEST = 255, -128
NARROWEST = 1e-6  # a range of nothing but zeros must not divide by zero
# How far below a row's largest score others count: e^-10 of 128 paddings is less than what softmax's int8 output shows.
DEPTH = 10.0


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


def observe(parts: EncoderParts, spec: EncoderSpec, texts: Iterable[Sequence[int]]) -> list[tuple[float, float]]:
    """Return the smallest and largest number of each value of an encoder's graph over texts of ids."""
    seen: list[tuple[float, float]] = []
    for ids in texts:
        graph = encoder_graph(parts, spec, len(ids))
        row = np.array([ids], np.int32)
        found = compute(graph, {IDS: row, MASK: np.ones(row.shape, np.float32)})
        ranges = [_range(value, result) for value, result in zip(graph.values, found, strict=True)]
        seen = [(min(a, c), max(b, d)) for (a, b), (c, d) in zip(seen or ranges, ranges, strict=True)]
    return seen


def _range(value: Value, result: NDArray[np.float32]) -> tuple[float, float]:
    if value.options.get("masked"):  # below that, a share is nothing
        return float(result.max(axis=-1).min()) - DEPTH, float(result.max())
    return float(result.min()), float(result.max())


def roundings(graph: Graph, seen: Sequence[tuple[float, float]]) -> dict[Value, Rounding]:
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
