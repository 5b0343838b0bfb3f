"""How much a recipe is likely to hurt, before anybody measured it: the relative error it leaves in the weights.

The errors are those of Gaussian weights under our rule for scales (measured on 512 x 2048 of them, no data needed).
They order recipes and say nothing about a model: only `eval` does. KL divergence grows with their square.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edgeslm_exporters.quantized_rows import Blocks

if TYPE_CHECKING:
    from edgeslm_exporters.matrices import AnyLayout
    from edgeslm_exporters.recipe import Float

# Relative root-mean-square error of 4-bit weights by block, symmetric with a positive scale, and with a zero point.
SYMMETRIC = {16: 0.081, 32: 0.090, 64: 0.098, 128: 0.106, 256: 0.114}
ASYMMETRIC = {16: 0.070, 32: 0.081, 64: 0.091, 128: 0.101, 256: 0.110}
PER_ROW = 1.2  # one scale a row instead of one a block of 256
EIGHT_BITS = 7 / 127  # steps of 4 bits are this many times coarser
FLOATS: dict[Float, float] = {"fp32": 0.0, "fp16": 0.0003}


def weight_error(places: AnyLayout) -> float:
    """Return the relative error that a layout's formats leave in the weights, all matrices together."""
    sizes = [matrix.projection.rows * matrix.projection.columns for matrix in places.matrices]
    squares = (_error(matrix.storage) ** 2 * size for matrix, size in zip(places.matrices, sizes, strict=True))
    return math.sqrt(sum(squares) / sum(sizes))


def _error(storage: Blocks | Float) -> float:
    if not isinstance(storage, Blocks):
        return FLOATS[storage]
    error = (SYMMETRIC if storage.symmetric else ASYMMETRIC)[storage.block]
    error *= EIGHT_BITS if storage.bits == 8 else 1
    return error * PER_ROW if storage.per_row else error
