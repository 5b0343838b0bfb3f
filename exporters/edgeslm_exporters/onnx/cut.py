"""Where a decoder is cut into stages, each small enough to be loaded by itself (stages.py runs them)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgeslm_exporters.onnx.layout import Layout

STAGE_BYTES = 32 * 2**20  # of weights as the kernels hold them; a stage has one layer at least


def stages(places: Layout) -> Iterator[range]:
    """Yield consecutive layers of at most STAGE_BYTES together, then an empty range: the head."""
    start, size = 0, 0
    for index in range(places.spec.layers):
        more = _layer_bytes(places, index)
        if size and size + more > STAGE_BYTES:
            yield range(start, index)
            start, size = index, 0
        size += more
    yield range(start, places.spec.layers)
    yield range(places.spec.layers, places.spec.layers)


def neighbours_bytes(places: Layout) -> int:
    """Return the most that two stages take which are loaded side by side."""
    *_, head = places.products
    sizes = [sum(_layer_bytes(places, index) for index in layers) or head.loaded_bytes for layers in stages(places)]
    return max(map(sum, pairwise(sizes)))


def _layer_bytes(places: Layout, index: int) -> int:
    return sum(places.matrix(projection).loaded_bytes for projection in places.spec.stack[index].projections())
