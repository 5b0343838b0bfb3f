"""Tables of cosines and sines for rotary position embedding, scaling included."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgeslm_exporters.decoder_spec import DecoderSpec, RopeScaling


def rotary_tables(spec: DecoderSpec, context: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return cosines and sines, each float32 [context, head_size / 2], of every position's angles.

    Angles are taken in float64 from float32 frequencies, so that the bytes do not depend on the processor.
    """
    exponents = np.arange(0, spec.head_size, 2, dtype=np.float64) / spec.head_size
    frequencies = spec.rope_theta**-exponents
    if spec.rope_scaling is not None:
        frequencies = _scaled(frequencies, spec.rope_scaling)
    angles = np.outer(np.arange(context, dtype=np.float64), frequencies.astype(np.float32).astype(np.float64))
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


def _scaled(frequencies: NDArray[np.float64], scaling: RopeScaling) -> NDArray[np.float64]:
    """Slow the rotation down: all of it (linear), or only wavelengths near and above the original context (llama3).

    Source of llama3's blend: Llama 3.1's reference code, `apply_scaling`.
    """
    if scaling.kind == "linear":
        return frequencies / scaling.factor
    turns = scaling.original_positions * frequencies / (2 * np.pi)  # full turns within the original context
    span = scaling.high_freq_factor - scaling.low_freq_factor
    kept = np.clip((turns - scaling.low_freq_factor) / span, 0.0, 1.0)
    return frequencies * (kept + (1 - kept) / scaling.factor)
