"""What is encoded reads back, with our reader and with the code generated from the schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeslm_agent.engine.runtime.tflite_file import IDENTIFIER, View, open_tflite
from edgeslm_agent.errors import Corrupt
from edgeslm_exporters.tflite import schema
from edgeslm_exporters.tflite.flatbuffer import Scalar, Table, draft, encode
from edgeslm_exporters.tflite.schema import Op
from support.tflite_files import generated_model

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

shapes = st.lists(st.integers(1, 9), min_size=1, max_size=4)
names = st.text(max_size=12).map(lambda text: text.replace("\0", ""))
tensors = st.lists(st.tuples(names, st.sampled_from(sorted(schema.TYPES)), shapes, st.integers(0, 3)), max_size=6)


def encoded(entries: list[tuple[str, schema.DType, list[int], int]], payloads: list[bytes]) -> bytes:
    described = [schema.tensor(*entry) for entry in entries]
    graph = schema.subgraph("main", described, list(range(len(entries))), [], [])
    buffers = [Table({}), *(schema.inline_buffer(np.frombuffer(payload, np.uint8)) for payload in payloads)]
    return encode(schema.model([schema.operator_code(Op.GELU)], [graph], buffers, [], {}), IDENTIFIER)


def root(data: bytes) -> View:
    return View(memoryview(data), int.from_bytes(data[:4], "little"))


@given(tensors, st.lists(st.binary(min_size=1, max_size=40), max_size=4))
def test_tensors_and_buffers_read_back_with_the_generated_code(
    entries: list[tuple[str, schema.DType, list[int], int]], payloads: list[bytes]
) -> None:
    model = generated_model(encoded(entries, payloads))
    found = [
        ((tensor.name or b"").decode(), tensor.type, list(tensor.shape), tensor.buffer)
        for tensor in (model.subgraphs[0].tensors or [])
    ]
    assert found == [(name, schema.TYPES[kind], shape, buffer) for name, kind, shape, buffer in entries]
    assert [bytes(buffer.data) for buffer in model.buffers[1:]] == payloads
    assert (model.operatorCodes[0].builtinCode, model.operatorCodes[0].deprecatedBuiltinCode) == (Op.GELU, 127)


@given(tensors)
def test_tensors_read_back_with_our_reader(entries: list[tuple[str, schema.DType, list[int], int]]) -> None:
    graph = root(encoded(entries, [])).tables(2)[0]
    found = [(t.text(3), t.scalar(1, "b"), t.vector(0, "<i4").tolist(), t.scalar(2, "I")) for t in graph.tables(0)]
    assert found == [(name, schema.TYPES[kind], shape, buffer) for name, kind, shape, buffer in entries]


@given(st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=8), st.integers(0, 2**62))
def test_what_is_put_later_lies_where_it_would_have_been_encoded(values: list[float], number: int) -> None:
    wanted = np.array(values, np.float32)
    arrays = [np.ones_like(wanted) for _ in range(3)]

    def table(offset: int, vectors: list[NDArray[Any]]) -> Table:
        named = tuple(Table({0: vector}) for vector in vectors)
        return Table({0: Scalar("b", 3), 1: named, 2: None, 4: Scalar("Q", offset)})

    early = table(0, arrays)
    changed = draft(early, b"TEST")
    changed.put_scalar(early, 4, number)
    for array in arrays:
        array[:] = wanted
        changed.put_floats(array)
    assert changed.data == encode(table(number, [wanted.copy() for _ in arrays]), b"TEST")


def test_every_place_is_aligned_to_its_type() -> None:
    vectors: list[NDArray[Any]] = [np.arange(3, dtype=np.int64), np.arange(5, dtype=np.int32), np.ones(7, np.uint8)]
    table = Table({0: vectors[0], 1: vectors[1], 2: vectors[2], 3: "odd", 4: Scalar("Q", 7)})
    data = encode(table, b"TEST")
    found_root = root(data)
    start = np.frombuffer(data, np.uint8).ctypes.data
    for index, values in enumerate(vectors):
        found = found_root.vector(index, values.dtype.str)
        assert (found == values).all()
        assert (found.ctypes.data - start) % values.itemsize == 0
    assert found_root.scalar(4, "Q") == 7


@given(st.data())
def test_a_file_cut_off_or_changed_never_reads_beyond_its_end(data: st.DataObject) -> None:
    whole = encoded([("name", "int8", [3, 4], 1), ("other", "float32", [2], 0)], [b"payload"])
    cut = bytearray(whole[: data.draw(st.integers(8, len(whole)))])
    for place in data.draw(st.lists(st.integers(8, len(whole) - 1), max_size=4)):
        if place < len(cut):
            cut[place] = data.draw(st.integers(0, 255))
    try:
        model = root(bytes(cut))
        for graph in model.tables(2):
            [(tensor.text(3), tensor.vector(0, "<i4")) for tensor in graph.tables(0)]
    except Corrupt:
        pass


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\x08\0\0\0PK\3\4 something else"])
def test_another_kind_of_file_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "model.tflite").write_bytes(content)
    with pytest.raises(Corrupt, match=r"is not a \.tflite file"):
        open_tflite(tmp_path / "model.tflite")
