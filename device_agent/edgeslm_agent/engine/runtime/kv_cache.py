"""The KV cache: keys and values of each layer, in memory whose pages become resident when they are written.

A value takes 32 bits (a float), 8 (a signed code) or 4 (two codes in a byte, the first in its low half, 8 for zero).
The graph holds a scale for every channel of every head; its attention operator writes and reads the codes.
"""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeslm_agent.errors import EnvironmentProblem
from edgeslm_agent.units import format_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgeslm_agent.contract.manifest import DecoderShape

    Cache = tuple[NDArray[Any], ...]

PAGE_BYTES = 4096
_TYPES = {32: np.float32, 8: np.int8, 4: np.uint8}


def cache_bytes(shape: DecoderShape) -> int:
    """Return the size of the cache as allocated: every tensor starts on a page."""
    return 2 * shape.layers * _tensor_bytes(shape)


def allocate_cache(shape: DecoderShape) -> Cache:
    """Return key, value, key, ... of all layers, each [1, kv_heads, context, head_size (4 bits: / 2)], zeroed.

    Raises EnvironmentProblem when the machine does not give the memory.
    """
    size = cache_bytes(shape)
    try:
        memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except OSError as error:
        raise EnvironmentProblem(
            f"the KV cache needs {format_bytes(size)}, which this machine does not give",
            "export the model with a smaller --context, or with an 8-bit cache (a recipe that ends in -kv8)",
        ) from error
    kind = np.dtype(_TYPES[shape.kv_bits])
    dims = (1, shape.kv_heads, shape.context, shape.head_size * shape.kv_bits // (8 * kind.itemsize))
    return tuple(np.ndarray(dims, kind, memory, offset) for offset in range(0, size, _tensor_bytes(shape)))


def _tensor_bytes(shape: DecoderShape) -> int:
    exact = shape.kv_heads * shape.context * shape.head_size * shape.kv_bits // 8
    return -(-exact // PAGE_BYTES) * PAGE_BYTES
