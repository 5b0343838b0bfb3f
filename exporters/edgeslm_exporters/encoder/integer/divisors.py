"""What the channels of values are divided by so that one int8 scale suits all of them, from what a text wakes.

Sums before a norm are divided by whole numbers, inputs of products as in `balance.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgeslm_exporters.encoder.balance import channel_scales
from edgeslm_exporters.encoder.integer.floats import compute
from edgeslm_exporters.encoder.integer.flow import IDS, MASK
from edgeslm_exporters.encoder.observe import Seen

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edgeslm_exporters.encoder.integer.flow import Divisors, IntegerEncoder
    from edgeslm_exporters.encoder.integer.graph import Floats

LARGEST_STEP = 11  # its square is a weight of int8
USUAL = 2.0  # a channel may reach this many times the median one undivided


def divisors(plain: IntegerEncoder, texts: Iterable[Sequence[int]]) -> Divisors:
    """Return the divisors for an encoder, given as one that divides nothing, that reads such texts of ids."""
    seen = _channels(plain, texts)
    found: dict[str, Floats] = {}
    for index, layer in enumerate(plain.parts.layers):
        name = f"layer{index}"
        for norm in ("attended", "fed"):
            found[f"{name}.{norm}.sum"] = _steps(seen[f"{name}.{norm}.sum"])
        weights = [linear.weight.T for linear in (layer.query, layer.key, layer.value)]
        found[name] = channel_scales(seen[name], weights)
        found[f"{name}.middle"] = channel_scales(seen[f"{name}.middle"], [layer.up.weight.T])
        found[f"{name}.heads"] = channel_scales(seen[f"{name}.heads"], [layer.output.weight.T])
        found[f"{name}.inner"] = channel_scales(seen[f"{name}.inner"], [layer.down.weight.T])
    return found


def _steps(seen: Seen) -> Floats:
    usual = USUAL * float(np.median(seen.largest))
    steps: Floats = np.clip(np.rint(seen.largest / max(usual, 1e-9)), 1, LARGEST_STEP).astype(np.float32)
    return steps


def _channels(plain: IntegerEncoder, texts: Iterable[Sequence[int]]) -> dict[str, Seen]:
    """Return the range of every channel of the named values."""
    seen: dict[str, Seen] = {}
    for ids in texts:
        graph = plain.graph(len(ids))
        row = np.array([ids], np.int32)
        found = compute(graph, {IDS: row, MASK: np.ones(row.shape, np.float32)})
        for value, result in zip(graph.values, found, strict=True):
            if value.name and value.op is not None:
                zeros = np.zeros(result.shape[-1], np.float32)
                seen[value.name] = seen.get(value.name, Seen(zeros, zeros)).widened(result)
    return seen
