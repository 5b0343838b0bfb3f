"""Tables of cosines and sines for rotary position embedding, scaling included, and the slopes of ALiBi."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgeslm_exporters.decoder_spec import RopeScaling, Rotary


def rotary_tables(rotary: Rotary, context: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return cosines and sines, each float32 [context, rotary.size / 2], of every position's angles.

    Angles are taken in float64 from float32 frequencies, so that the bytes do not depend on the processor.
    """
    exponents = np.arange(0, rotary.size, 2, dtype=np.float64) / rotary.size
    frequencies, magnitude = rotary.theta**-exponents, 1.0
    if rotary.scaling is not None:
        frequencies, magnitude = _scaled(frequencies, rotary, rotary.scaling, context), rotary.scaling.magnitude
    angles = np.outer(np.arange(context, dtype=np.float64), frequencies.astype(np.float32).astype(np.float64))
    cosine, sine = magnitude * np.cos(angles), magnitude * np.sin(angles)
    return cosine.astype(np.float32), sine.astype(np.float32)


def _scaled(
    frequencies: NDArray[np.float64], rotary: Rotary, scaling: RopeScaling, context: int
) -> NDArray[np.float64]:
    """Slow the rotation down: all of it (linear), or by wavelength, or by a learned factor for each frequency.

    Sources: Llama 3.1's reference code, `apply_scaling`; YaRN, arXiv 2309.00071; LongRoPE, arXiv 2402.13753.
    """
    if scaling.kind == "linear":
        return frequencies / scaling.factor
    if scaling.kind == "longrope":
        factors = scaling.long if context > scaling.original_positions else scaling.short
        return frequencies / np.array(factors, np.float64)
    kept = _llama3_share(frequencies, scaling) if scaling.kind == "llama3" else _yarn_share(rotary, scaling)
    return frequencies * (kept + (1 - kept) / scaling.factor)


def _llama3_share(frequencies: NDArray[np.float64], scaling: RopeScaling) -> NDArray[np.float64]:
    """Return how much of each frequency is kept: none below `low` turns, all above `high`, between them a blend."""
    turns = scaling.original_positions * frequencies / (2 * np.pi)  # full turns within the original context
    kept: NDArray[np.float64] = np.clip((turns - scaling.low) / (scaling.high - scaling.low), 0.0, 1.0)
    return kept


def _yarn_share(rotary: Rotary, scaling: RopeScaling) -> NDArray[np.float64]:
    """Return how much of each frequency is kept: a ramp over indices, between those with `high` and `low` turns."""

    def index(turns: float) -> float:
        return rotary.size * math.log(scaling.original_positions / (turns * 2 * math.pi)) / (2 * math.log(rotary.theta))

    first = max(math.floor(index(scaling.high)), 0)
    last = min(math.ceil(index(scaling.low)), rotary.size - 1)
    ramp: NDArray[np.float64] = (np.arange(rotary.size // 2) - first) / max(last - first, 1e-3)
    return 1 - np.clip(ramp, 0.0, 1.0)


def alibi_slopes(heads: int) -> tuple[float, ...]:
    """Return by how much a score falls a token of distance, one number a head.

    A power of two of heads has the powers of 2^(-8 / heads); any other count takes the rest from twice as many heads.
    Source: Press et al., "Train Short, Test Long", arXiv 2108.12409, and its code.
    """
    power = 2 ** math.floor(math.log2(heads))
    slopes = [2 ** (-8 * (head + 1) / power) for head in range(power)]
    between = [2 ** (-4 * (head + 1) / power) for head in range(0, 2 * (heads - power), 2)]
    return (*slopes, *between)
