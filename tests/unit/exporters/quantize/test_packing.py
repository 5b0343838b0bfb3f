from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeslm_exporters.quantize.packing import pack, unpack


@given(st.sampled_from([4, 8]), st.integers(1, 5), st.integers(1, 40), st.integers(0, 2**32))
def test_unpack_undoes_pack_for_every_shape(bits: int, rows: int, count: int, seed: int) -> None:
    codes = np.random.default_rng(seed).integers(0, 2**bits, (rows, count), np.uint8)
    packed = pack(codes, bits)
    assert packed.shape == (rows, -(-count * bits // 8))
    assert (unpack(packed, bits, count) == codes).all()


def test_the_first_code_lies_in_the_low_half() -> None:
    assert pack(np.array([1, 2, 3], np.uint8), 4).tolist() == [0x21, 0x03]


@pytest.mark.parametrize("bits", [4, 8])
def test_a_view_that_is_not_contiguous_packs_the_same(bits: int) -> None:
    codes = np.arange(32, dtype=np.uint8).reshape(4, 8) % 16
    assert (pack(codes.T, bits) == pack(codes.T.copy(), bits)).all()
