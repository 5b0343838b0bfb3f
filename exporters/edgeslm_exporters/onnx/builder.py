"""Collects a graph: nodes get their names from their outputs, initialisers point into the data file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgeslm_exporters.onnx.layout import DATA_NAME
from edgeslm_exporters.onnx.schema import Graph, Kind, Model, Node, Tensor, Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgeslm_exporters.onnx.layout import Layout
    from edgeslm_exporters.onnx.schema import Attribute

OPSET = 21
IR_VERSION = 10
MICROSOFT = "com.microsoft"
KINDS = {"float32": Kind.FLOAT, "float16": Kind.FLOAT16, "uint8": Kind.UINT8}


class GraphBuilder:
    """Collects nodes, initialisers, inputs and outputs; `model` returns the whole."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._nodes: list[Node] = []
        self._made: set[str] = set()
        self._initializers: dict[str, Tensor] = {}
        self._inputs: list[Value] = []
        self._outputs: list[Value] = []

    def op(self, kind: str, inputs: Sequence[str], output: str, domain: str = "", **attributes: Attribute) -> str:
        """Add a node with one output and return the output's name."""
        return self.ops(kind, inputs, [output], domain, **attributes)[0]

    def ops(
        self, kind: str, inputs: Sequence[str], outputs: Sequence[str], domain: str = "", **attributes: Attribute
    ) -> Sequence[str]:
        """Add a node with several outputs ('' = not wanted) and return their names."""
        name = next(output for output in outputs if output)
        in_order = {key: attributes[key] for key in sorted(attributes)}
        self._nodes.append(Node(kind, tuple(inputs), tuple(outputs), name, domain, in_order))
        self._made.update(outputs)
        return outputs

    def stored(self, name: str, *, alias: str = "", shape: Sequence[int] = (), kind: int = 0) -> str:
        """Return an initialiser backed by the data file's tensor `name`.

        An `alias` of another shape (and type) reads the same bytes: each initialiser is mapped by itself, so two that
        point at the same place cost nothing on disk, and the runtime can let go of one of them.
        """
        tensor = self._layout.by_name[name]
        place = {"location": DATA_NAME, "offset": str(tensor.offset), "length": str(tensor.bytes)}
        return self._initializer(
            Tensor(alias or name, kind or KINDS[tensor.dtype], tuple(shape or tensor.shape), b"", place)
        )

    def constant(self, name: str, values: Sequence[int]) -> str:
        """Return a small int64 vector, which shape inference must see and therefore lies in the graph."""
        return self._initializer(Tensor(name, Kind.INT64, (len(values),), np.array(values, "<i8").tobytes(), {}))

    def scalar(self, name: str, value: float) -> str:
        """Return a scalar that lies in the graph: int64, or float32 when `value` is a float."""
        kind, code = (Kind.FLOAT, "<f4") if isinstance(value, float) else (Kind.INT64, "<i8")
        return self._initializer(Tensor(name, kind, (), np.array(value, code).tobytes(), {}))

    def floats(self, name: str, values: Sequence[float], shape: Sequence[int]) -> str:
        """Return a small float32 tensor that lies in the graph."""
        return self._initializer(Tensor(name, Kind.FLOAT, tuple(shape), np.array(values, "<f4").tobytes(), {}))

    def _initializer(self, tensor: Tensor) -> str:
        self._initializers.setdefault(tensor.name, tensor)
        return tensor.name

    def has(self, name: str) -> bool:
        """Whether a node gives this value already."""
        return name in self._made

    def input(self, name: str, kind: int, shape: Sequence[int | str]) -> str:
        """Declare an input of the graph."""
        self._inputs.append(Value(name, kind, tuple(shape)))
        return name

    def output(self, name: str, kind: int, shape: Sequence[int | str]) -> str:
        """Declare an output of the graph."""
        self._outputs.append(Value(name, kind, tuple(shape)))
        return name

    def model(self, name: str) -> Model:
        """Return the finished model."""
        initializers = tuple(self._initializers.values())
        graph = Graph(name, tuple(self._nodes), initializers, tuple(self._inputs), tuple(self._outputs))
        return Model(IR_VERSION, {"": OPSET, MICROSOFT: 1}, graph, {})
