"""ONNX's messages, as far as a decoder's graph is made of them: written, and read back without what is not named here.

The package onnx writes the same, but is imported for longer than a small model takes to be converted; tests read with
it what is written here. Fields and numbers: onnx/onnx.proto of https://github.com/onnx/onnx, IR version 10.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from edgeslm_exporters.protobuf import content, field, float_field, gathered, signed, whole_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping

Attribute = int | float | str
Shape = tuple[int | str, ...]  # a text names a size that only a call knows

PRODUCER = "edgeslm"
EXTERNAL = 1  # TensorProto.DataLocation
_REPEATED = 256  # attributes remembered: every layer has the same
_FLOAT_ATTRIBUTE, _INT_ATTRIBUTE, _STRING_ATTRIBUTE = 1, 2, 3  # AttributeProto.AttributeType
_RAW_DATA = 9
_TENSOR_DATA = (4, 5, 6, 7, _RAW_DATA, 10, 11)  # fields of TensorProto, one for each way to hold values


class Kind(IntEnum):
    """TensorProto.DataType."""

    FLOAT = 1
    UINT8 = 2
    INT8 = 3
    INT32 = 6
    INT64 = 7
    FLOAT16 = 10
    UINT4 = 21


class Node(NamedTuple):
    """NodeProto: one operator; an input or output of '' is left out."""

    op_type: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    name: str
    domain: str
    attributes: Mapping[str, Attribute]


class Tensor(NamedTuple):
    """TensorProto: an initialiser, whose values are `data` in the graph, or lie where `external` says."""

    name: str
    kind: int
    shape: tuple[int, ...]
    data: bytes
    external: Mapping[str, str]


class Value(NamedTuple):
    """ValueInfoProto: an input or output of a graph; a shape of None is not told."""

    name: str
    kind: int
    shape: Shape | None


class Graph(NamedTuple):
    """GraphProto."""

    name: str
    nodes: tuple[Node, ...]
    initializers: tuple[Tensor, ...]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]


class Model(NamedTuple):
    """ModelProto; `opsets` are versions by domain."""

    ir_version: int
    opsets: Mapping[str, int]
    graph: Graph
    metadata: Mapping[str, str]


def encode(model: Model) -> bytes:
    """Return the bytes of an .onnx file."""
    parts = [field(1, model.ir_version), field(2, PRODUCER), field(7, _graph(model.graph))]
    parts += [field(8, _filled(1, domain) + field(2, version)) for domain, version in model.opsets.items()]
    return b"".join([*parts, *_entries(14, model.metadata)])


def decode(data: bytes) -> Model:
    """Read an .onnx file; attributes that are no number and no text are left out.

    Raises ValueError for what is none.
    """
    found = gathered(data)
    opsets = [gathered(content(entry)) for entry in found.get(8, [])]
    return Model(
        ir_version=_number(found, 1),
        opsets={_text(entry, 1): _number(entry, 2) for entry in opsets},
        graph=_read_graph(_message(found, 7)),
        metadata=_read_entries(found, 14),
    )


def _graph(graph: Graph) -> bytes:
    parts = [field(1, _node(node)) for node in graph.nodes]
    parts.append(field(2, graph.name))
    parts += [field(5, _tensor(tensor)) for tensor in graph.initializers]
    parts += [field(11, _value(value)) for value in graph.inputs]
    return b"".join([*parts, *(field(12, _value(value)) for value in graph.outputs)])


def _read_graph(data: bytes) -> Graph:
    found = gathered(data)
    return Graph(
        name=_text(found, 2),
        nodes=tuple(_read_node(content(node)) for node in found.get(1, [])),
        initializers=tuple(_read_tensor(content(tensor)) for tensor in found.get(5, [])),
        inputs=tuple(_read_value(content(value)) for value in found.get(11, [])),
        outputs=tuple(_read_value(content(value)) for value in found.get(12, [])),
    )


def _node(node: Node) -> bytes:
    parts = [field(1, name) for name in node.inputs]
    parts += [field(2, name) for name in node.outputs]
    parts += [field(3, node.name), field(4, node.op_type)]
    parts += [field(5, _attribute(name, value)) for name, value in node.attributes.items()]
    return b"".join([*parts, _filled(7, node.domain)])


def _read_node(data: bytes) -> Node:
    found = gathered(data)
    attributes = (_read_attribute(content(entry)) for entry in found.get(5, []))
    return Node(
        op_type=_text(found, 4),
        inputs=_texts(found, 1),
        outputs=_texts(found, 2),
        name=_text(found, 3),
        domain=_text(found, 7),
        attributes={name: value for name, value in attributes if value is not None},
    )


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, str):
        return field(1, name) + field(4, value) + field(20, _STRING_ATTRIBUTE)
    if isinstance(value, float):
        return field(1, name) + float_field(2, value) + field(20, _FLOAT_ATTRIBUTE)
    return field(1, name) + field(3, value) + field(20, _INT_ATTRIBUTE)


@lru_cache(_REPEATED)
def _read_attribute(data: bytes) -> tuple[str, Attribute | None]:
    found = gathered(data)
    name, kind = _text(found, 1), _number(found, 20)
    if kind == _STRING_ATTRIBUTE:
        return name, _text(found, 4)
    if kind == _FLOAT_ATTRIBUTE:
        return name, _float(_message(found, 2))
    return name, signed(_number(found, 3)) if kind == _INT_ATTRIBUTE else None


def _float(data: bytes) -> float:
    if len(data) != 4:
        raise ValueError("a number of single precision has 4 bytes")
    value: float = struct.unpack("<f", data)[0]
    return value


def _tensor(tensor: Tensor) -> bytes:
    parts = [field(1, size) for size in tensor.shape]
    parts += [field(2, tensor.kind), field(8, tensor.name)]
    if not tensor.external:
        return b"".join([*parts, field(_RAW_DATA, tensor.data)])
    return b"".join([*parts, *_entries(13, tensor.external), field(14, EXTERNAL)])


def _read_tensor(data: bytes) -> Tensor:
    found = gathered(data)
    values = [value for number in _TENSOR_DATA for value in found.get(number, [])]
    return Tensor(
        name=_text(found, 8),
        kind=_number(found, 2),
        shape=tuple(map(signed, whole_numbers(found.get(1, [])))),
        data=b"".join(map(content, values)),
        external=_read_entries(found, 13) if _number(found, 14) == EXTERNAL else {},
    )


def _value(value: Value) -> bytes:
    tensor = field(1, value.kind)
    if value.shape is not None:
        sizes = (field(1, field(2 if isinstance(size, str) else 1, size)) for size in value.shape)
        tensor += field(2, b"".join(sizes))
    return field(1, value.name) + field(2, field(1, tensor))


def _read_value(data: bytes) -> Value:
    found = gathered(data)
    tensor = gathered(_message(gathered(_message(found, 2)), 1))
    if 2 not in tensor:
        return Value(_text(found, 1), _number(tensor, 1), None)
    sizes = [gathered(content(size)) for size in gathered(_message(tensor, 2)).get(1, [])]
    shape = tuple(_text(size, 2) or signed(_number(size, 1)) for size in sizes)
    return Value(_text(found, 1), _number(tensor, 1), shape)


def _entries(number: int, entries: Mapping[str, str]) -> list[bytes]:
    """Return one StringStringEntryProto a pair."""
    return [field(number, field(1, key) + field(2, value)) for key, value in entries.items()]


def _read_entries(found: Mapping[int, list[int | bytes]], number: int) -> dict[str, str]:
    entries = [gathered(content(entry)) for entry in found.get(number, [])]
    return {_text(entry, 1): _text(entry, 2) for entry in entries}


def _filled(number: int, text: str) -> bytes:
    return field(number, text) if text else b""


def _texts(found: Mapping[int, list[int | bytes]], number: int) -> tuple[str, ...]:
    return tuple(content(value).decode() for value in found.get(number, []))


def _text(found: Mapping[int, list[int | bytes]], number: int) -> str:
    return _message(found, number).decode()


def _message(found: Mapping[int, list[int | bytes]], number: int) -> bytes:
    """Return the last value of a field, as the format wants it; nothing when it is absent."""
    return content(found[number][-1]) if number in found else b""


def _number(found: Mapping[int, list[int | bytes]], number: int) -> int:
    """Return the last value of a field; 0 when it is absent."""
    value = found[number][-1] if number in found else 0
    if not isinstance(value, int):
        raise ValueError("a text or a message where a number belongs")  # noqa: TRY004  # the data are wrong
    return value
