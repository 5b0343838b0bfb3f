from __future__ import annotations

from typing import TYPE_CHECKING

import gguf
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edgeslm_exporters.sources.codes import Codes, in_order
from edgeslm_exporters.sources.gguf.blocks import FORMS, codes_of, dequantized
from edgeslm_exporters.sources.gguf.file import STORAGES, Storage

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Where the fp16 scales lie; else at 0 and 2.
HALVES = {"Q2_K": (80, 82), "Q3_K": (108,), "Q6_K": (208,), "Q4_0": (0,), "Q8_0": (0,), "Q5_0": (0,)}
FLOATS = [kind for kind, storage in STORAGES.items() if storage.name not in FORMS]


def drawn(storage: Storage, seed: int) -> NDArray[np.uint8]:
    """Return six rows of random bytes; scales are finite, of either sign but for Q8_0, whose makers divide by 127."""
    rng = np.random.default_rng(seed)
    if storage.block == 1:
        kind = {"F32": np.float32, "F16": np.float16}.get(storage.name)
        values = rng.standard_normal((6, 96)).astype(np.float32)
        return (values.astype(kind) if kind else (values.view(np.uint32) >> 16).astype(np.uint16)).view(np.uint8)
    raw = rng.integers(0, 256, (6, 3 * storage.bytes), dtype=np.uint8)
    blocks = raw.reshape(-1, storage.bytes)
    for at in HALVES.get(storage.name, (0, 2)):
        scales = rng.standard_normal((len(blocks), 1)).astype(np.float16)
        blocks[:, at : at + 2] = (abs(scales) if storage.name == "Q8_0" else scales).view(np.uint8)
    return raw


@pytest.mark.parametrize("kind", FLOATS, ids=lambda kind: STORAGES[kind].name)
@pytest.mark.parametrize("seed", range(4))
def test_weights_are_those_of_llama_cpp_to_the_bit(kind: int, seed: int) -> None:
    raw = drawn(STORAGES[kind], seed)
    found = dequantized(raw, STORAGES[kind])
    assert found is not None
    assert (found == gguf.quants.dequantize(raw, gguf.GGMLQuantizationType(kind))).all()


@pytest.mark.parametrize("kind", [2, 8], ids=lambda kind: STORAGES[kind].name)
@pytest.mark.parametrize("seed", range(4))
def test_codes_stand_for_the_weights_of_llama_cpp_to_the_bit(kind: int, seed: int) -> None:
    storage, raw = STORAGES[kind], drawn(STORAGES[kind], seed)
    codes, scales, zeros = codes_of(raw.reshape(-1, storage.bytes), storage)
    assert (scales >= 0).all()
    found = Codes(codes.reshape(6, 96), scales.reshape(6, 3), zeros.reshape(6, 3), in_order(96, 32)).weights()
    assert (found == gguf.quants.dequantize(raw, gguf.GGMLQuantizationType(kind))).all()


@given(arrays(np.float32, (2, 64), elements=st.floats(-100, 100, width=16)))
def test_what_llama_cpp_rounds_to_q4_0_fits_the_asymmetric_form(values: NDArray[np.float32]) -> None:
    raw = gguf.quants.quantize(values, gguf.GGMLQuantizationType.Q4_0)
    codes, _, zeros = codes_of(raw.reshape(-1, 18), STORAGES[2])
    assert set(zeros) <= {7, 8}
    assert codes.max() <= 15


@pytest.mark.parametrize("kind", FLOATS, ids=lambda kind: STORAGES[kind].name)
def test_a_scale_that_is_not_finite_is_told(kind: int) -> None:
    storage = STORAGES[kind]
    raw = drawn(storage, 0)
    if storage.block == 1:
        raw[0, : storage.bytes] = 255
    else:
        at = HALVES.get(storage.name, (0, 2))[0]
        raw.reshape(-1, storage.bytes)[4, at : at + 2] = np.array([np.inf], np.float16).view(np.uint8)
    assert dequantized(raw, storage) is None


@pytest.mark.parametrize("kind", STORAGES, ids=lambda kind: STORAGES[kind].name)
def test_names_and_sizes_are_those_of_llama_cpp(kind: int) -> None:
    storage, theirs = STORAGES[kind], gguf.GGMLQuantizationType(kind)
    assert (storage.name, (storage.block, storage.bytes)) == (theirs.name, gguf.GGML_QUANT_SIZES[theirs])
