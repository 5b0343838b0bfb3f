from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeslm_agent.engine.runtime.kv_cache import PAGE_BYTES, allocate_cache, cache_bytes
from edgeslm_agent.errors import EnvironmentProblem
from support.toy_graph import toy_shape

SHAPE = replace(toy_shape(), layers=3, kv_heads=2, head_size=10, context=37)


@pytest.mark.parametrize(("bits", "kind", "width"), [(32, np.float32, 10), (8, np.int8, 10), (4, np.uint8, 5)])
def test_every_tensor_has_pages_of_its_own(bits: int, kind: type, width: int) -> None:
    shape = replace(SHAPE, kv_bits=bits)
    cache = allocate_cache(shape)
    assert {(tensor.shape, tensor.dtype) for tensor in cache} == {((1, 2, 37, width), np.dtype(kind))}
    assert cache_bytes(shape) == 6 * -(-2 * 37 * 10 * bits // 8 // PAGE_BYTES) * PAGE_BYTES
    assert all(tensor.ctypes.data % PAGE_BYTES == 0 for tensor in cache)
    for index, tensor in enumerate(cache, 1):
        tensor[...] = index
    assert [int(tensor.min()) for tensor in cache] == [int(tensor.max()) for tensor in cache] == [1, 2, 3, 4, 5, 6]


def test_more_than_the_machine_has_is_refused_with_what_would_help() -> None:
    with pytest.raises(EnvironmentProblem, match="the KV cache needs") as caught:
        allocate_cache(replace(SHAPE, context=(1 << 31) - 1, kv_heads=1 << 20))
    assert "-kv8" in caught.value.hint
