from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeslm_agent.errors import BadCheckpoint
from edgeslm_exporters.weight_files import WeightFiles, read_headers, widened
from support.hf_layout import encode_tensor, write_safetensors

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def rows(file: Path, name: str, start: int, stop: int) -> NDArray[np.float32]:
    return WeightFiles(read_headers(file), lambda _name: file).rows(name, start, stop)


def written(folder: Path, dtype: str = "F32") -> Path:
    values = (np.arange(24) / 8).astype(np.float32).reshape(6, 4)
    write_safetensors(folder / "model.safetensors", {"first": values, "vector": values[0]}, dtype)
    return folder / "model.safetensors"


@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
def test_rows_of_every_type_are_widened_exactly(tmp_path: Path, dtype: str) -> None:
    found = rows(written(tmp_path, dtype), "first", 2, 5)
    assert found.dtype == np.float32
    assert (found == np.arange(8, 20, dtype=np.float32).reshape(3, 4) / 8).all()


def test_every_finite_half_is_widened_to_the_bit() -> None:
    every = np.arange(2**16, dtype=np.uint16)
    finite = every[every & 0x7FFF < 0x7C00]
    found = widened(finite, "F16")
    assert found is not None
    assert (found.view(np.uint32) == finite.view(np.float16).astype(np.float32).view(np.uint32)).all()
    assert all(widened(every[[bits]], "F16") is None for bits in (0x7C00, 0xFC00, 0x7E00, 0xFFFF))


def test_a_vector_is_one_row(tmp_path: Path) -> None:
    assert rows(written(tmp_path), "vector", 0, 1).shape == (1, 4)


def test_headers_tell_type_shape_and_bytes(tmp_path: Path) -> None:
    header = read_headers(written(tmp_path, "BF16"))["first"]
    assert (header.dtype, header.shape, header.bytes) == ("BF16", (6, 4), 48)


@given(st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=1, max_size=40))
def test_bf16_is_the_upper_half_of_a_float(tmp_path_factory: pytest.TempPathFactory, drawn: list[float]) -> None:
    values = np.array([drawn], np.float32)
    file = tmp_path_factory.mktemp("bf16") / "one"
    write_safetensors(file, {"x": values}, "BF16")
    expected = (np.frombuffer(encode_tensor(values, "BF16"), np.uint16).astype(np.uint32) << 16).view(np.float32)
    assert (rows(file, "x", 0, 1)[0] == expected).all()


@pytest.mark.parametrize("kept", [0, 5, 40, 150])
def test_a_truncated_file_is_refused_by_its_header(tmp_path: Path, kept: int) -> None:
    file = written(tmp_path)
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(BadCheckpoint, match="truncated"):
        read_headers(file)


def test_a_file_that_shrinks_after_opening_is_refused_by_rows(tmp_path: Path) -> None:
    file = written(tmp_path)
    files = WeightFiles(read_headers(file), lambda _name: file)
    os.truncate(file, file.stat().st_size - 60)
    assert files.rows("first", 0, 1).shape == (1, 4)
    with pytest.raises(BadCheckpoint, match="truncated"):
        files.rows("first", 0, 6)


@pytest.mark.parametrize(
    "header",
    [
        b"not json",
        b"[]",
        b'{"x": 3}',
        b'{"x": {"dtype": "F32", "shape": [2]}}',
        b'{"x": {"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}}',
        b'{"x": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}}',
        b'{"x": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}}',
    ],
)
def test_a_header_that_makes_no_sense_is_refused(tmp_path: Path, header: bytes) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(len(header).to_bytes(8, "little") + header + bytes(16))
    with pytest.raises(BadCheckpoint):
        read_headers(file)


@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(tmp_path: Path, dtype: str, bad: float) -> None:
    values = np.ones((2, 3), np.float32)
    values[1, 2] = bad
    write_safetensors(tmp_path / "one", {"x": values}, dtype)
    assert (rows(tmp_path / "one", "x", 0, 1) == 1).all()
    with pytest.raises(BadCheckpoint, match="x holds NaN or infinity in rows 1 to 1"):
        rows(tmp_path / "one", "x", 1, 2)
