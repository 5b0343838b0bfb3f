"""Writes FlatBuffers, as far as a .tflite file needs them: tables of fields by id, vectors, strings.

Written from the end to the beginning, so that whatever is referred to exists already and may be referred to again:
equal strings and vectors of whole numbers, and a table or an array used twice, lie in the file once.
Format: https://flatbuffers.dev/internals/
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Form = tuple[tuple[int, str], ...]  # ids and codes of a table's fields

ALIGNMENT = 16  # of the whole buffer, and so the largest that its parts may have
OFFSET = "->I"  # the code of a field that leads to something else


class Scalar(NamedTuple):
    """A number in a table: `code` as the module struct spells its type."""

    code: str
    value: int | float


@dataclass(frozen=True, eq=False)
class Table:
    """Fields by id. A field of None is left out; readers then take the schema's default."""

    fields: Mapping[int, Scalar | str | NDArray[Any] | Table | tuple[Table, ...] | None]


class Draft:
    """A buffer whose scalars and float vectors may still change: its size depends on neither."""

    def __init__(self, data: bytes, places: Mapping[object, int]) -> None:
        self.data = bytearray(data)
        self._places = places  # of tables and float vectors by id, in bytes from the end

    def put_scalar(self, table: Table, field: int, value: float) -> None:
        """Write another value into a table's field; the field must be there."""
        fields = [(key, found) for key, found in table.fields.items() if found is not None]
        offsets = _inline(_form(fields)).offsets
        for (key, found), offset in zip(fields, offsets, strict=True):
            if key == field:
                assert isinstance(found, Scalar)
                struct.pack_into(f"<{found.code}", self.data, len(self.data) - self._places[id(table)] + offset, value)

    def put_floats(self, values: NDArray[Any]) -> None:
        """Write what an array that was encoded holds now."""
        start = len(self.data) - self._places[id(values)] + 4  # behind the number of values
        self.data[start : start + values.nbytes] = values.tobytes()


def encode(root: Table, identifier: bytes) -> bytes:
    """Return the buffer of `root`."""
    return bytes(draft(root, identifier).data)


def draft(root: Table, identifier: bytes) -> Draft:
    """Return the buffer of `root` while it may still change."""
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

    def finish(self, head: bytes) -> Draft:
        return Draft(b"".join([head, *reversed(self._pieces)]), self._known)

    def pad(self, coming: int, alignment: int) -> None:
        """Leave a gap such that, with `coming` bytes put in front of it, the place is aligned."""
        gap = -(self.size + coming) % alignment
        self._put(bytes(gap))

    def table(self, table: Table) -> int:
        if id(table) in self._known:
            return self._known[id(table)]
        fields = [(key, value) for key, value in table.fields.items() if value is not None]
        numbers = [value.value if isinstance(value, Scalar) else self._child(value) for _, value in fields]
        form = _form(fields)
        inline = _inline(form)
        vtable = self._vtable(form)
        self.pad(inline.packer.size, 8)
        start = self.size + inline.packer.size
        stored = [
            start - offset - number if code == OFFSET else number
            for (_, code), offset, number in zip(form, inline.offsets, numbers, strict=True)
        ]
        self._put(inline.packer.pack(vtable - start, *(stored[index] for index in inline.order)))
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

    def _vtable(self, form: Form) -> int:
        if form not in self._known:
            inline = _inline(form)
            slots = dict(zip((key for key, _ in form), inline.offsets, strict=True))
            entries = [slots.get(key, 0) for key in range(max(slots, default=-1) + 1)]
            data = struct.pack(f"<{2 + len(entries)}H", 4 + 2 * len(entries), inline.packer.size, *entries)
            self._known[form] = self._vector(data, 2)
        return self._known[form]

    def _put(self, data: bytes) -> None:
        self._pieces.append(data)
        self.size += len(data)


def _form(fields: Sequence[tuple[int, object]]) -> Form:
    return tuple((key, value.code if isinstance(value, Scalar) else OFFSET) for key, value in fields)


class _Inline(NamedTuple):
    """What a table of some form holds itself: where each field lies behind its start, and what packs all of it.

    The packer takes the distance to the vtable, and then the fields in `order`.
    """

    offsets: tuple[int, ...]
    order: tuple[int, ...]
    packer: struct.Struct


@cache
def _inline(form: Form) -> _Inline:
    """Place the fields of a table, the widest first."""
    codes = [code[-1] for _, code in form]
    sizes = [struct.calcsize(f"<{code}") for code in codes]
    order = tuple(sorted(range(len(form)), key=lambda index: -sizes[index]))
    offsets, packed = [0] * len(form), "<i"
    for index in order:
        packed += "x" * (-struct.calcsize(packed) % sizes[index])
        offsets[index] = struct.calcsize(packed)
        packed += codes[index]
    packed += "x" * (-struct.calcsize(packed) % 8)
    return _Inline(tuple(offsets), order, struct.Struct(packed))
