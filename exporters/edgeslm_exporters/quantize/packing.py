"""How codes lie in bytes: 8-bit codes as they are, 4-bit codes two to a byte with the first in the low half."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def pack(codes: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    """Pack along the last axis: uint8 [..., n] becomes [..., ceil(n * bits / 8)]; an odd 4-bit end is padded with 0."""
    if bits == 8:
        return codes
    if codes.shape[-1] % 2:
        codes = np.concatenate([codes, np.zeros((*codes.shape[:-1], 1), np.uint8)], axis=-1)
    pairs = np.ascontiguousarray(codes).view("<u2")  # low byte = first code
    packed: NDArray[np.uint8] = (pairs | pairs >> 4).astype(np.uint8)
    return packed


def unpack(packed: NDArray[np.uint8], bits: int, count: int) -> NDArray[np.uint8]:
    """Undo `pack`: return `count` codes along the last axis."""
    if bits == 8:
        return packed[..., :count]
    halves = np.stack([packed & 15, packed >> 4], axis=-1)
    return halves.reshape(*packed.shape[:-1], -1)[..., :count]
