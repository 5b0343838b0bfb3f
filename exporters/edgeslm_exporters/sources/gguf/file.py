"""A GGUF file: its metadata, where each tensor lies, and rows of tensors as stored.

The file is the bytes "GGUF", a version, two counts, the metadata (key, type, value), the tensors' entries (name,
dimensions with the fastest first, type, offset) and, aligned, their data; all little-endian. Everything is checked
against the size of the file before it is believed.
Source: the format's description, https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import math
import os
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeslm_agent.errors import BadCheckpoint, UnsupportedOperator

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

MAGIC, VERSIONS = b"GGUF", (2, 3)
DEFAULT_ALIGNMENT = 32
MOST_DIMENSIONS = 4
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_AGAIN = "download the file again"


@dataclass(frozen=True)
class Storage:
    """How a type stores weights: `bytes` for each `block` of them along a row."""

    name: str
    block: int
    bytes: int


# By the number that stands for it in a file; the types of GGML that are not here have no decoder.
STORAGES = {
    0: Storage("F32", 1, 4),
    1: Storage("F16", 1, 2),
    2: Storage("Q4_0", 32, 18),
    3: Storage("Q4_1", 32, 20),
    6: Storage("Q5_0", 32, 22),
    7: Storage("Q5_1", 32, 24),
    8: Storage("Q8_0", 32, 34),
    10: Storage("Q2_K", 256, 84),
    11: Storage("Q3_K", 256, 110),
    12: Storage("Q4_K", 256, 144),
    13: Storage("Q5_K", 256, 176),
    14: Storage("Q6_K", 256, 210),
    30: Storage("BF16", 1, 2),
}


@dataclass(frozen=True)
class GgufTensor:
    """One tensor: `shape` with the fastest dimension last, as numpy has it; `offset` counts from the file's start."""

    name: str
    storage: Storage
    shape: tuple[int, ...]
    offset: int

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return self.shape[-1] // self.storage.block * self.storage.bytes

    @property
    def bytes(self) -> int:
        """Bytes of the whole tensor."""
        return math.prod(self.shape[:-1]) * self.row_bytes


@dataclass(frozen=True)
class GgufFile:
    """A file whose header was read; threads may share it."""

    path: Path
    metadata: Mapping[str, Any]
    tensors: Mapping[str, GgufTensor]

    def stored(self, tensor: GgufTensor, start: int, stop: int) -> NDArray[np.uint8]:
        """Return rows [start, stop) as bytes [rows, row_bytes]; a vector is one row.

        Raises BadCheckpoint when the file got shorter since it was opened.
        """
        raw = np.empty((stop - start, tensor.row_bytes), np.uint8)
        with self.path.open("rb", buffering=0) as stream:
            got = os.preadv(stream.fileno(), [raw.data.cast("B")], tensor.offset + start * tensor.row_bytes)
        if got != raw.nbytes:
            raise BadCheckpoint(f"{self.path.name} is truncated: {got} of {raw.nbytes} bytes read", _AGAIN)
        return raw


def open_gguf(path: Path) -> GgufFile:
    """Read a file's metadata and the places of its tensors, none of their bytes.

    Raises BadCheckpoint when it is truncated or contradicts itself, UnsupportedOperator for another version, byte
    order, or a tensor type without decoder (all named), or when it is one of several parts.
    """
    with path.open("rb") as stream:
        read = _Reader(stream, path.name)
        _check_version(read)
        tensor_count, value_count = read.number("Q"), read.number("Q")
        metadata = {read.text(): read.value(read.number("I")) for _ in range(value_count)}
        entries = [_entry(read) for _ in range(tensor_count)]
        end = stream.tell()
    if metadata.get("split.count", 0) > 1:
        raise UnsupportedOperator(
            f"{path.name} is one of {metadata['split.count']} parts",
            "join them: llama-gguf-split --merge FIRST OUT.gguf",
        )
    alignment = metadata.get("general.alignment", DEFAULT_ALIGNMENT)
    if not isinstance(alignment, int) or alignment < 1:
        raise BadCheckpoint(f"{path.name}: general.alignment is {alignment!r}", _AGAIN)
    return GgufFile(path, metadata, _placed(read, entries, -(-end // alignment) * alignment))


def _check_version(read: _Reader) -> None:
    if read.take(4) != MAGIC:
        raise BadCheckpoint(f"{read.name} is not a GGUF file", "is it what its name says?")
    version = read.number("I")
    if version not in VERSIONS:
        swapped = version & 0xFFFF == 0
        what = "written for a big-endian machine" if swapped else f"of version {version}, known are 2 and 3"
        raise UnsupportedOperator(f"{read.name} is {what}", "convert the model again with a current llama.cpp")


def _entry(read: _Reader) -> tuple[str, tuple[int, ...], int, int]:
    """Return name, shape (fastest last), type and relative offset of a tensor."""
    name, dimensions = read.text(), read.number("I")
    if dimensions > MOST_DIMENSIONS:
        raise BadCheckpoint(f"{read.name}: {name} claims {dimensions} dimensions", _AGAIN)
    shape = tuple(read.number("Q") for _ in range(dimensions))
    return name, shape[::-1], read.number("I"), read.number("Q")


def _placed(read: _Reader, entries: list[tuple[str, tuple[int, ...], int, int]], data: int) -> dict[str, GgufTensor]:
    """Return the tensors by name, each checked to lie inside the file."""
    if unknown := sorted({kind for _, _, kind, _ in entries if kind not in STORAGES}):
        known = ", ".join(storage.name for storage in STORAGES.values())
        raise UnsupportedOperator(
            f"{read.name} has tensors of GGML types {', '.join(map(str, unknown))}; those with a decoder are {known}",
            "take the model as Q8_0 or F16, or as safetensors",
        )
    tensors = {
        name: GgufTensor(name, STORAGES[kind], shape or (1,), data + offset) for name, shape, kind, offset in entries
    }
    for tensor in tensors.values():
        if tensor.shape[-1] % tensor.storage.block or 0 in tensor.shape:
            raise BadCheckpoint(
                f"{read.name}: {tensor.name} {list(tensor.shape)} does not divide into blocks of {tensor.storage.name}",
                _AGAIN,
            )
        if tensor.offset + tensor.bytes > read.size:
            raise BadCheckpoint(
                f"{read.name} is truncated: {tensor.name} ends at byte {tensor.offset + tensor.bytes}, "
                f"the file at {read.size}",
                _AGAIN,
            )
    return tensors


class _Reader:
    """Takes values from the start of a file, never past its end."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self.name = name
        self.size = os.fstat(stream.fileno()).st_size
        self._stream = stream

    def take(self, count: int) -> bytes:
        data = self._stream.read(count) if count <= self.size else b""
        if len(data) != count:
            raise BadCheckpoint(f"{self.name} is truncated inside its header", _AGAIN)
        return data

    def number(self, form: str) -> int:
        """Return one integer of a struct format."""
        return int(struct.unpack(f"<{form}", self.take(struct.calcsize(form)))[0])

    def text(self) -> str:
        return self.take(self.number("Q")).decode("utf-8", "replace")

    def value(self, kind: int) -> Any:  # noqa: ANN401  # a file holds numbers, flags, texts and lists of them
        if kind == _STRING:
            return self.text()
        if kind == _ARRAY:
            inner, count = self.number("I"), self.number("Q")
            return self._list(inner, count)
        self._check(kind)
        return struct.unpack(f"<{_NUMBERS[kind]}", self.take(struct.calcsize(_NUMBERS[kind])))[0]

    def _list(self, kind: int, count: int) -> list[Any]:
        if kind == _STRING:
            return [self.text() for _ in range(count)]
        self._check(kind)
        width = struct.calcsize(_NUMBERS[kind])
        return list(struct.unpack(f"<{count}{_NUMBERS[kind]}", self.take(count * width)))

    def _check(self, kind: int) -> None:
        if kind not in _NUMBERS:
            raise BadCheckpoint(f"{self.name} has a value of an unknown type, {kind}", _AGAIN)
