from __future__ import annotations

import struct
from contextlib import suppress
from typing import TYPE_CHECKING

import gguf
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgeslm_agent.errors import BadCheckpoint, ExportError, UnsupportedOperator
from edgeslm_exporters.sources.gguf.file import open_gguf

if TYPE_CHECKING:
    from pathlib import Path

TENSOR = np.arange(64, dtype=np.float32).reshape(2, 32)


def written(path: Path) -> Path:
    """Write a file with one value of every kind and two tensors."""
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_uint8("a.u8", 200)
    writer.add_int16("a.i16", -5)
    writer.add_float64("a.f64", 0.5)
    writer.add_bool("a.flag", True)
    writer.add_string("a.text", "grüße")
    writer.add_array("a.words", ["x", "", "日本"])
    writer.add_array("a.numbers", [1, -2, 3])
    writer.add_tensor("first", TENSOR)
    writer.add_tensor("second", np.ones(3, np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_values_and_tensors_are_what_llama_cpp_wrote(tmp_path: Path) -> None:
    file = open_gguf(written(tmp_path / "m.gguf"))
    assert {key: value for key, value in file.metadata.items() if key.startswith("a.")} == {
        "a.u8": 200,
        "a.i16": -5,
        "a.f64": 0.5,
        "a.flag": True,
        "a.text": "grüße",
        "a.words": ["x", "", "日本"],
        "a.numbers": [1, -2, 3],
    }
    assert {name: (tensor.storage.name, tensor.shape) for name, tensor in file.tensors.items()} == {
        "first": ("F32", (2, 32)),
        "second": ("F16", (3,)),
    }
    assert (file.stored(file.tensors["first"], 1, 2).view(np.float32) == TENSOR[1:]).all()


def test_a_file_that_shrinks_after_opening_is_refused_by_rows(tmp_path: Path) -> None:
    path = written(tmp_path / "m.gguf")
    file = open_gguf(path)
    path.write_bytes(path.read_bytes()[: file.tensors["first"].offset + 8])
    with pytest.raises(BadCheckpoint, match="truncated"):
        file.stored(file.tensors["first"], 0, 2)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(0, 10**9))
def test_no_prefix_of_a_file_opens(tmp_path: Path, cut: int) -> None:
    whole = written(tmp_path / "whole.gguf")
    data = whole.read_bytes()
    end = open_gguf(whole).tensors["second"]
    part = tmp_path / "part.gguf"
    part.write_bytes(data[: cut % (end.offset + end.bytes)])
    with pytest.raises(BadCheckpoint):
        open_gguf(part)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 255))
def test_a_changed_byte_opens_or_is_refused_as_an_export_error(tmp_path: Path, at: int, change: int) -> None:
    data = bytearray(written(tmp_path / "m.gguf").read_bytes())
    data[at % len(data)] ^= change
    (tmp_path / "m.gguf").write_bytes(data)
    with suppress(ExportError):  # anything else is a bug
        open_gguf(tmp_path / "m.gguf")


@pytest.mark.parametrize(
    ("version", "named"), [(1, "version 1"), (4, "version 4"), (0x03000000, "a big-endian machine")]
)
def test_another_version_is_refused_by_name(tmp_path: Path, version: int, named: str) -> None:
    data = bytearray(written(tmp_path / "m.gguf").read_bytes())
    data[4:8] = struct.pack("<I", version)
    (tmp_path / "m.gguf").write_bytes(data)
    with pytest.raises(UnsupportedOperator, match=named):
        open_gguf(tmp_path / "m.gguf")


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(BadCheckpoint, match="not a GGUF file"):
        open_gguf(tmp_path / "m.gguf")


def test_types_without_a_decoder_are_named(tmp_path: Path) -> None:
    writer = gguf.GGUFWriter(str(tmp_path / "m.gguf"), "llama")
    writer.add_tensor("odd", np.zeros((2, 136), np.uint8), raw_dtype=gguf.GGMLQuantizationType.IQ4_XS)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(UnsupportedOperator, match=r"types 23; those with a decoder are F32, .*Q6_K") as raised:
        open_gguf(tmp_path / "m.gguf")
    assert "safetensors" in raised.value.hint
