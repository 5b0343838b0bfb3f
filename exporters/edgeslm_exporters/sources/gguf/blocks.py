"""What the bytes of GGML's tensor types stand for: float32 weights, and codes where a recipe can hold them.

Q4_0 stores (c - 8) x d with d of either sign. A recipe's scales are positive: where d < 0 the same weight is
((15 - c) - 7) x |d|, so every block fits an asymmetric recipe, with zero 8 or 7, to the bit.
Source: ggml/src/ggml-common.h (block_q4_0 to block_q6_K) and dequantize_row_* of ggml/src/ggml-quants.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgeslm_exporters.recipe import Quantization
from edgeslm_exporters.weight_files import widened

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from edgeslm_exporters.sources.gguf.file import Storage

    Bytes = NDArray[np.uint8]
    Floats = NDArray[np.float32]

# The types whose codes fit a recipe, and which.
FORMS = {"Q4_0": Quantization(4, 32, symmetric=False), "Q8_0": Quantization(8, 32, symmetric=True)}


def dequantized(raw: Bytes, storage: Storage) -> Floats | None:
    """Return rows of bytes [rows, row_bytes] of a type that is not in FORMS as float32 [rows, columns].

    None when a value is not finite.
    """
    if storage.block == 1:
        return widened(raw.view("<u4" if storage.bytes == 4 else "<u2"), storage.name)
    with np.errstate(invalid="ignore"):  # a damaged scale shows in the result
        weights = _DECODERS[storage.name](raw.reshape(-1, storage.bytes)).reshape(len(raw), -1)
    return weights if np.isfinite(weights).all() else None


def codes_of(raw: Bytes, storage: Storage) -> tuple[NDArray[np.uint8], Floats, NDArray[np.uint8]]:
    """Return codes [blocks, 32], scales [blocks] and zeros [blocks] of a type in FORMS, from bytes [blocks, bytes]."""
    scales = _half(raw, 0)
    if storage.name == "Q8_0":
        return raw[:, 2:] ^ np.uint8(128), scales, np.full(len(raw), 128, np.uint8)
    codes, negative = _nibbles(raw[:, 2:]), scales < 0
    codes = np.where(negative[:, None], np.uint8(15) - codes, codes)
    return codes, np.abs(scales), np.where(negative, np.uint8(7), np.uint8(8))


def _half(raw: Bytes, at: int) -> Floats:
    """Return the float16 at byte `at` of each block."""
    return np.ascontiguousarray(raw[:, at : at + 2]).view("<f2")[:, 0].astype(np.float32)


def _nibbles(packed: Bytes) -> Bytes:
    """Return the low halves of the bytes, then the high halves."""
    return np.concatenate([packed & 15, packed >> 4], axis=1)


def _fifth_bits(packed: Bytes) -> Bytes:
    """Return 32 bits [blocks, 4 bytes] as the fifth bit of 32 codes."""
    bits: Bytes = np.unpackbits(packed, axis=1, bitorder="little") * np.uint8(16)
    return bits


def _q4_1(raw: Bytes) -> Floats:
    """d, m, 16 bytes of codes: c x d + m."""
    weights: Floats = _nibbles(raw[:, 4:]) * _half(raw, 0)[:, None] + _half(raw, 2)[:, None]
    return weights


def _q5_0(raw: Bytes) -> Floats:
    """d, 4 bytes of fifth bits, 16 bytes of codes: (c - 16) x d."""
    codes = (_nibbles(raw[:, 6:]) | _fifth_bits(raw[:, 2:6])).astype(np.float32)
    weights: Floats = (codes - np.float32(16)) * _half(raw, 0)[:, None]
    return weights


def _q5_1(raw: Bytes) -> Floats:
    """d, m, 4 bytes of fifth bits, 16 bytes of codes: c x d + m."""
    codes = _nibbles(raw[:, 8:]) | _fifth_bits(raw[:, 4:8])
    weights: Floats = codes * _half(raw, 0)[:, None] + _half(raw, 2)[:, None]
    return weights


def _q2_k(raw: Bytes) -> Floats:
    """16 bytes of scales and, above them, minima of 16 codes, 64 bytes of codes, d, dmin."""
    codes = _two_bits(raw[:, 16:80], 32).reshape(-1, 16, 16).astype(np.float32)
    steps, lows = _half(raw, 80)[:, None] * (raw[:, :16] & 15), _half(raw, 82)[:, None] * (raw[:, :16] >> 4)
    weights: Floats = codes * steps[..., None] - lows[..., None]
    return weights


def _q3_k(raw: Bytes) -> Floats:
    """32 bytes whose bit i is the third of group i, 64 of lower two bits, 12 of scales, d: (c - 4) x (d x (s - 32)).

    The 16 scales, of 16 codes each, take six bits: the first 8 bytes hold the lower four, the other 4 the upper two.
    """
    codes = _two_bits(raw[:, 32:96], 32).reshape(-1, 8, 32) | _bit_groups(raw[:, :32]) * np.uint8(4)
    scales = _nibbles(raw[:, 96:104]) | _two_bits(raw[:, 104:108], 4).reshape(-1, 16) * np.uint8(16)
    steps = _half(raw, 108)[:, None] * (scales.astype(np.float32) - np.float32(32))
    weights: Floats = (codes.reshape(-1, 16, 16).astype(np.float32) - np.float32(4)) * steps[..., None]
    return weights


def _q4_k(raw: Bytes) -> Floats:
    """d, dmin, 12 bytes of scales and minima, 128 bytes of codes."""
    return _scaled(raw, _nibble_groups(raw[:, 16:]))


def _q5_k(raw: Bytes) -> Floats:
    """d, dmin, 12 bytes of scales and minima, 32 bytes whose bit i is the fifth of group i, 128 bytes of codes."""
    return _scaled(raw, _nibble_groups(raw[:, 48:]) | _bit_groups(raw[:, 16:48]) * np.uint8(16))


def _bit_groups(packed: Bytes) -> Bytes:
    """Return 32 bytes as eight groups of 32 bits [blocks, 8, 32]: group i is bit i of every byte."""
    bits: Bytes = packed[:, None] >> np.arange(8, dtype=np.uint8)[:, None] & np.uint8(1)
    return bits


def _two_bits(packed: Bytes, width: int) -> Bytes:
    """Return codes [blocks, bytes / width, 4, width]: each `width` bytes hold four groups, the lowest bits first."""
    groups = packed.reshape(len(packed), -1, 1, width)
    codes: Bytes = groups >> np.array([0, 2, 4, 6], np.uint8)[:, None] & np.uint8(3)
    return codes


def _nibble_groups(packed: Bytes) -> Bytes:
    """Return 128 bytes as eight groups of 32 codes: each 32 bytes hold a group in their low halves, one in the high."""
    quarters = packed.reshape(-1, 4, 1, 32)
    return np.concatenate([quarters & 15, quarters >> 4], axis=2).reshape(-1, 8, 32)


def _scaled(raw: Bytes, codes: Bytes) -> Floats:
    """Return c x (d x scale) - (dmin x minimum) for eight groups of 32; scales and minima take six bits each.

    Bytes 0 to 3 hold the first four scales, 4 to 7 the first four minima, 8 to 11 the low halves of the other four of
    both, whose upper two bits are the upper two bits of bytes 0 to 7.
    """
    low, middle, mixed = (raw[:, at : at + 4] for at in (4, 8, 12))
    scales = np.concatenate([low & 63, (mixed & 15) | (low >> 6 << 4)], axis=1).astype(np.float32)
    minima = np.concatenate([middle & 63, (mixed >> 4) | (middle >> 6 << 4)], axis=1).astype(np.float32)
    steps, lows = _half(raw, 0)[:, None] * scales, _half(raw, 2)[:, None] * minima
    weights: Floats = codes * steps[..., None] - lows[..., None]
    return weights


def _q6_k(raw: Bytes) -> Floats:
    """128 bytes of low halves, 64 of upper two bits, 16 int8 scales, d: (c - 32) x (d x scale), scales of 16 codes."""
    low = raw[:, :128].reshape(-1, 2, 1, 64)
    halves = np.concatenate([low & 15, low >> 4], axis=2).reshape(-1, 2, 4, 32)
    upper = _two_bits(raw[:, 128:192], 32) * np.uint8(16)
    codes = (halves | upper).reshape(-1, 16, 16).astype(np.float32) - np.float32(32)
    steps = _half(raw, 208)[:, None] * raw[:, 192:208].view(np.int8).astype(np.float32)
    weights: Floats = codes * steps[..., None]
    return weights


_DECODERS: dict[str, Callable[[Bytes], Floats]] = {
    "Q4_1": _q4_1,
    "Q5_0": _q5_0,
    "Q5_1": _q5_1,
    "Q2_K": _q2_k,
    "Q3_K": _q3_k,
    "Q4_K": _q4_k,
    "Q5_K": _q5_k,
    "Q6_K": _q6_k,
}
