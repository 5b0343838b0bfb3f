"""A thin hand on onnx's protobufs: nodes get their names from their outputs, initialisers point into the data file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx
from onnx import TensorProto, helper

from edgeslm_exporters.onnx.layout import DATA_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgeslm_exporters.onnx.layout import Layout

OPSET = 21
IR_VERSION = 10
MICROSOFT = "com.microsoft"
Attribute = int | float | str
TYPES = {"float32": TensorProto.FLOAT, "float16": TensorProto.FLOAT16, "uint8": TensorProto.UINT8}


class GraphBuilder:
    """Collects nodes, initialisers, inputs and outputs; `model` returns the whole."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._nodes: list[onnx.NodeProto] = []
        self._made: set[str] = set()
        self._initializers: dict[str, TensorProto] = {}
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []

    def op(self, kind: str, inputs: Sequence[str], output: str, domain: str = "", **attributes: Attribute) -> str:
        """Add a node with one output and return the output's name."""
        return self.ops(kind, inputs, [output], domain, **attributes)[0]

    def ops(
        self, kind: str, inputs: Sequence[str], outputs: Sequence[str], domain: str = "", **attributes: Attribute
    ) -> Sequence[str]:
        """Add a node with several outputs ('' = not wanted) and return their names."""
        name = next(output for output in outputs if output)
        node = helper.make_node(kind, inputs, outputs, name, domain=domain)
        node.attribute.extend(helper.make_attribute(key, attributes[key]) for key in sorted(attributes))
        self._nodes.append(node)
        self._made.update(outputs)
        return outputs

    def stored(self, name: str, *, alias: str = "", shape: Sequence[int] = (), kind: int = 0) -> str:
        """Return an initialiser backed by the data file's tensor `name`.

        An `alias` of another shape (and type) reads the same bytes: each initialiser is mapped by itself, so two that
        point at the same place cost nothing on disk, and the runtime can let go of one of them.
        """
        tensor = self._layout.by_name[name]
        key = alias or name
        if key not in self._initializers:
            proto = TensorProto(name=key, data_type=kind or TYPES[tensor.dtype], dims=shape or tensor.shape)
            proto.data_location = TensorProto.EXTERNAL
            for field, value in (("location", DATA_NAME), ("offset", tensor.offset), ("length", tensor.bytes)):
                proto.external_data.add(key=field, value=str(value))
            self._initializers[key] = proto
        return key

    def constant(self, name: str, values: Sequence[int]) -> str:
        """Return a small int64 vector, which shape inference must see and therefore lies in the graph."""
        if name not in self._initializers:
            self._initializers[name] = helper.make_tensor(name, TensorProto.INT64, [len(values)], values)
        return name

    def scalar(self, name: str, value: float) -> str:
        """Return a scalar that lies in the graph: int64, or float32 when `value` is a float."""
        if name not in self._initializers:
            kind = TensorProto.FLOAT if isinstance(value, float) else TensorProto.INT64
            self._initializers[name] = helper.make_tensor(name, kind, [], [value])
        return name

    def floats(self, name: str, values: Sequence[float], shape: Sequence[int]) -> str:
        """Return a small float32 tensor that lies in the graph."""
        if name not in self._initializers:
            self._initializers[name] = helper.make_tensor(name, TensorProto.FLOAT, shape, values)
        return name

    def has(self, name: str) -> bool:
        """Whether a node gives this value already."""
        return name in self._made

    def input(self, name: str, kind: int, shape: Sequence[int | str]) -> str:
        """Declare an input of the graph."""
        self._inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def output(self, name: str, kind: int, shape: Sequence[int | str]) -> str:
        """Declare an output of the graph."""
        self._outputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def model(self, name: str) -> onnx.ModelProto:
        """Return the finished model."""
        graph = helper.make_graph(self._nodes, name, self._inputs, self._outputs, list(self._initializers.values()))
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="edgeslm")
