"""What enters every product while the float graph reads texts: the smallest and largest value of each channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from onnx import ModelProto, TensorProto, helper

from edgeslm_agent.engine.runtime.onnx import load_onnxruntime, open_session
from edgeslm_exporters.encoder.weights import products

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from edgeslm_agent.contract.manifest import EncoderShape


@dataclass(frozen=True)
class Seen:
    """The range of one tensor by channel, both [K]; zero always counts as seen."""

    low: NDArray[np.float32]
    high: NDArray[np.float32]

    @property
    def largest(self) -> NDArray[np.float32]:
        """The largest absolute value of each channel."""
        largest: NDArray[np.float32] = np.maximum(-self.low, self.high)
        return largest

    def widened(self, values: NDArray[np.float32]) -> Seen:
        """Return the range with the values [..., K] of another text."""
        rows = values.reshape(-1, values.shape[-1])
        return Seen(np.minimum(self.low, rows.min(axis=0)), np.maximum(self.high, rows.max(axis=0)))


def observe(
    model: ModelProto, shape: EncoderShape, texts: Iterable[Sequence[int]], scratch: Path
) -> Mapping[str, Seen]:
    """Run the float graph on texts of ids and return what every product's input was seen to hold, by its name.

    `scratch` is a folder for a copy of the graph, whose weights may be too large to hand over in memory.
    """
    probed = ModelProto()
    probed.CopyFrom(model)
    widths = {node.input[0]: matrix.dims[0] for node, matrix in products(probed.graph)}
    names = list(widths)
    probed.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    file = scratch / "observed.onnx"
    file.write_bytes(probed.SerializeToString())
    session = open_session(load_onnxruntime(), file, threads=0)
    seen = {name: Seen(np.zeros(width, np.float32), np.zeros(width, np.float32)) for name, width in widths.items()}
    for ids in texts:
        row = np.array([ids], np.int64)
        known = {"input_ids": row, "attention_mask": np.ones_like(row), "token_type_ids": np.zeros_like(row)}
        values = session.run(names, {name: known[name] for name in shape.inputs})
        seen = {name: seen[name].widened(value) for name, value in zip(names, values, strict=True)}
    file.unlink()
    return seen
