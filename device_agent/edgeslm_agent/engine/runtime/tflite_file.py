"""Reads a .tflite file without its runtime, which dies of a file cut off: mapped, never loaded, every offset checked.

The file is a FlatBuffer (https://flatbuffers.dev/internals/) and behind it the bytes of its larger buffers. Fields are
named by their ids in TensorFlow Lite's schema.fbs.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeslm_agent.errors import Corrupt

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

IDENTIFIER = b"TFL3"
RESIZABLE = "edgeslm.resizable_caches"  # metadata of a file whose graphs follow the size of the caches they are given
BUFFERS, METADATA = 4, 6  # fields of Model
_AGAIN = "export the bundle again, or copy it again from where it came"


@dataclass(frozen=True)
class TfliteFile:
    """A mapped file: its Model table, and the bytes of its buffers."""

    name: str
    data: memoryview
    model: View

    def buffer(self, index: int) -> memoryview:
        """Return the bytes of a buffer, wherever they lie."""
        if index >= len(self._buffers):
            raise _cut_off(self.name)
        offset, size = _extent(self._buffers[index])
        return self.data[offset : offset + size] if offset else self._buffers[index].vector(0, "u1").data

    @cached_property
    def _buffers(self) -> tuple[View, ...]:
        return self.model.tables(BUFFERS)

    def metadata(self, name: str) -> bytes | None:
        """Return the content of a metadata entry, or None."""
        for entry in self.model.tables(METADATA):
            if entry.text(0) == name:
                return bytes(self.buffer(entry.scalar(1, "I")))
        return None


def open_tflite(path: Path) -> TfliteFile:
    """Map a file.

    Raises Corrupt for a file that is empty, cut off or of another kind.
    """
    with path.open("rb") as stream:
        size = path.stat().st_size
        data = memoryview(mmap.mmap(stream.fileno(), 0, prot=mmap.PROT_READ) if size else b"")
    if bytes(data[4:8]) != IDENTIFIER:
        raise Corrupt(f"{path.name} is not a .tflite file", _AGAIN)
    model = View(data, struct.unpack_from("<I", data)[0])
    if any(sum(_extent(buffer)) > size for buffer in model.tables(BUFFERS)):
        raise _cut_off(path.name)
    return TfliteFile(path.name, data, model)


def _extent(buffer: View) -> tuple[int, int]:
    """Return offset and size of a buffer outside the FlatBuffer; zeros for one inside."""
    return buffer.scalar(1, "Q"), buffer.scalar(2, "Q")


class View:
    """A table inside a buffer. Every method raises Corrupt where the buffer ends before what it points at."""

    def __init__(self, data: memoryview, place: int) -> None:
        self._data = data
        self._place = place
        self._vtable = place - self._number("i", place)
        self._slots = (self._number("H", self._vtable) - 4) // 2

    def scalar(self, field: int, code: str, default: int = 0) -> int:
        """Return a whole number or a truth, or its default where the field is left out."""
        place = self._field(field)
        return default if place is None else self._number(code, place)

    def table(self, field: int) -> View | None:
        """Return a table, or None where there is none."""
        place = self._target(field)
        return None if place is None else View(self._data, place)

    def tables(self, field: int) -> tuple[View, ...]:
        """Return a vector of tables."""
        place = self._target(field)
        if place is None:
            return ()
        places = self._items(place, np.dtype("<u4"))
        return tuple(View(self._data, place + 4 + 4 * index + int(far)) for index, far in enumerate(places))

    def vector(self, field: int, dtype: str) -> NDArray[Any]:
        """Return a vector of numbers, as a view."""
        place = self._target(field)
        return np.empty(0, dtype) if place is None else self._items(place, np.dtype(dtype))

    def text(self, field: int) -> str:
        """Return a string."""
        return self.vector(field, "u1").tobytes().decode("utf-8", "replace")

    def _field(self, field: int) -> int | None:
        offset = self._number("H", self._vtable + 4 + 2 * field) if field < self._slots else 0
        return self._place + offset if offset else None

    def _target(self, field: int) -> int | None:
        place = self._field(field)
        return None if place is None else place + self._number("I", place)

    def _items(self, place: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        count = self._number("I", place)
        if place + 4 + count * dtype.itemsize > len(self._data):
            raise _cut_off()
        return np.frombuffer(self._data, dtype, count, place + 4)

    def _number(self, code: str, place: int) -> int:
        if place < 0:  # struct would count from the end
            raise _cut_off()
        try:
            number: int = struct.unpack_from(f"<{code}", self._data, place)[0]
        except struct.error as error:
            raise _cut_off() from error
        return number


def _cut_off(name: str = "the .tflite file") -> Corrupt:
    return Corrupt(f"{name} is cut off or damaged", _AGAIN)
