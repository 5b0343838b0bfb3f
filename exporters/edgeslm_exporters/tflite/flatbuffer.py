"""FlatBuffers, as far as a .tflite file needs them: tables of fields by id, vectors, strings. Written and read.

Written from the end to the beginning, so that whatever is referred to exists already and may be referred to again:
equal strings and vectors of whole numbers, and a table or an array used twice, lie in the file once. Read with every
offset checked, because a reader here meets files of others. Format: https://flatbuffers.dev/internals/
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from edgeslm_agent.errors import Corrupt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

ALIGNMENT = 16  # of the whole buffer, and so the largest that its parts may have


class Scalar(NamedTuple):
    """A number in a table: `code` as the module struct spells its type."""

    code: str
    value: int | float


@dataclass(frozen=True, eq=False)
class Table:
    """Fields by id. A field of None is left out; readers then take the schema's default."""

    fields: Mapping[int, Scalar | str | NDArray[Any] | Table | tuple[Table, ...] | None]


def encode(root: Table, identifier: bytes) -> bytes:
    """Return the buffer of `root`; its size depends neither on scalars nor on the values of float vectors."""
    writer = _Writer()
    table = writer.table(root)
    writer.pad(8, ALIGNMENT)
    return writer.finish(struct.pack("<I4s", writer.size + 8 - table, identifier))


class _Writer:
    """Pieces from last to first; places are counted in bytes from the end, as what lies in front is not known yet."""

    def __init__(self) -> None:
        self.size = 0
        self._pieces: list[bytes] = []
        self._known: dict[object, int] = {}

    def finish(self, head: bytes) -> bytes:
        return b"".join([head, *reversed(self._pieces)])

    def pad(self, coming: int, alignment: int) -> None:
        """Leave a gap such that, with `coming` bytes put in front of it, the place is aligned."""
        gap = -(self.size + coming) % alignment
        self._put(bytes(gap))

    def table(self, table: Table) -> int:
        if id(table) in self._known:
            return self._known[id(table)]
        fields = {key: value for key, value in table.fields.items() if value is not None}
        placed = {key: self._child(value) for key, value in fields.items() if not isinstance(value, Scalar)}
        codes = {key: value.code if isinstance(value, Scalar) else "I" for key, value in fields.items()}
        offsets, length = _inline(codes)
        vtable = self._vtable(offsets, length)
        self.pad(length, 8)
        start = self.size + length
        content = bytearray(length)
        struct.pack_into("<i", content, 0, vtable - start)
        for key, offset in offsets.items():
            value = fields[key]
            number = value.value if isinstance(value, Scalar) else start - offset - placed[key]
            struct.pack_into(f"<{codes[key]}", content, offset, number)
        self._put(bytes(content))
        self._known[id(table)] = start
        return start

    def _child(self, value: object) -> int:
        if isinstance(value, Table):
            return self.table(value)
        if isinstance(value, tuple):
            return self._tables(value)
        if isinstance(value, str):
            data = value.encode()
            return self._vector(struct.pack("<I", len(data)) + data + b"\0", 4)
        assert isinstance(value, np.ndarray)
        alignment = ALIGNMENT if value.dtype == np.uint8 else max(4, value.itemsize)
        key = id(value) if value.dtype.kind == "f" else None  # or the size would depend on which values are equal
        return self._vector(struct.pack("<I", value.size) + value.tobytes(), alignment, key)

    def _tables(self, tables: tuple[Table, ...]) -> int:
        places = [self.table(table) for table in tables]
        self.pad(4 * len(places), 4)
        first = self.size + 4 * len(places)
        offsets = [first - 4 * index - place for index, place in enumerate(places)]
        self._put(struct.pack(f"<I{len(offsets)}I", len(offsets), *offsets))
        return self.size

    def _vector(self, data: bytes, alignment: int, key: object = None) -> int:
        key = (data, alignment) if key is None else key
        if key not in self._known:
            self.pad(len(data) - 4, alignment)
            self._put(data)
            self._known[key] = self.size
        return self._known[key]

    def _vtable(self, offsets: Mapping[int, int], length: int) -> int:
        slots = [offsets.get(key, 0) for key in range(max(offsets, default=-1) + 1)]
        return self._vector(struct.pack(f"<{2 + len(slots)}H", 4 + 2 * len(slots), length, *slots), 2)

    def _put(self, data: bytes) -> None:
        self._pieces.append(data)
        self.size += len(data)


def _inline(codes: Mapping[int, str]) -> tuple[dict[int, int], int]:
    """Return where each field lies behind the start of its table, the widest first, and the table's length."""
    offsets, end = {}, 4
    for key in sorted(codes, key=lambda key: (-struct.calcsize(f"<{codes[key]}"), key)):
        size = struct.calcsize(f"<{codes[key]}")
        end += -end % size
        offsets[key] = end
        end += size
    return offsets, end + -end % 8


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
        if place < 0 or place + struct.calcsize(f"<{code}") > len(self._data):
            raise _cut_off()
        number: int = struct.unpack_from(f"<{code}", self._data, place)[0]
        return number


def root_of(data: memoryview, identifier: bytes, what: str) -> View:
    """Return the root table of a buffer.

    Raises Corrupt when it does not begin as `identifier` says.
    """
    if len(data) < 8 or bytes(data[4:8]) != identifier:
        raise Corrupt(f"{what} is not a .tflite file", "give the file that `edgeslm export --format tflite` wrote")
    return View(data, struct.unpack_from("<I", data)[0])


def _cut_off() -> Corrupt:
    return Corrupt("the .tflite file is cut off or damaged", "export the bundle again, or copy it again")
