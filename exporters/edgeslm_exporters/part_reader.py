"""Reads what a spec names out of a checkpoint: rows of packed or turned tensors, norms, biases, learned positions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgeslm_exporters.weights import QuantizedWeights

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from edgeslm_exporters.decoder_spec import Norm, Part
    from edgeslm_exporters.quantized_rows import Blocks, QuantizedRows
    from edgeslm_exporters.weights import Weights

STRIP = 256 * 1024  # weights of a transposed tensor read at a time: all its rows pass, a few columns are kept


def part_rows(weights: Weights, part: Part, start: int, stop: int) -> NDArray[np.float32]:
    """Return outputs [start, stop) of a part as float32 [outputs, inputs].

    Raises BadCheckpoint when the weights cannot be read or are not finite.
    """
    first, last = part.start + start, part.start + stop
    if not part.transposed:
        return weights.rows(part.weight, first, last)
    inputs, outputs = weights.shapes[part.weight]
    step, found = max(1, STRIP // outputs), np.empty((stop - start, inputs), np.float32)
    for row in range(0, inputs, step):
        found[:, row : row + step] = weights.rows(part.weight, row, min(row + step, inputs))[:, first:last].T
    return found


def part_codes(weights: Weights, part: Part, start: int, stop: int, form: Blocks) -> QuantizedRows | None:
    """Return the codes a part came with, or None where it has none that fit the form to the bit.

    Raises BadCheckpoint as `part_rows` does.
    """
    if part.transposed or not isinstance(weights, QuantizedWeights):
        return None
    return weights.quantized_rows(part.weight, part.start + start, part.start + stop, form)


def part_bias(weights: Weights, part: Part) -> NDArray[np.float32]:
    """Return the bias of a part that has one, float32 [1, outputs]."""
    assert part.bias is not None
    return weights.rows(part.bias, 0, 1)[:, part.start : part.start + part.rows]


def norm_tensors(weights: Weights, norm: Norm) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yield what the artefact stores of a norm: name, and float32 [1 or heads, width] of its factors and its bias."""
    for name, tensors in norm.tensors.items():
        rows = np.concatenate([weights.rows(tensor, 0, 1) for tensor in tensors])
        yield name, rows + np.float32(norm.offset if norm.weight in tensors else 0)
