"""Runs a written decoder a few layers at a time, so that a conversion never holds all of it in the runtime's memory.

onnxruntime packs every matrix into memory of its own when it loads a graph: 0.7 GB for 1.1 B weights of 4 bits, of
which a conversion needs one answer, the probe's. Cut into stages on the one data file the same operators give the same
logits; two stages are loaded side by side, and only those are in memory.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeslm_agent.engine.heap import trim_heap
from edgeslm_agent.engine.runtime.onnx import load_onnxruntime, open_session
from edgeslm_exporters.onnx.cut import stages
from edgeslm_exporters.onnx.graph import stage_graphs
from edgeslm_exporters.onnx.schema import encode
from edgeslm_exporters.row_stream import in_order

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from onnxruntime import InferenceSession

    from edgeslm_exporters.onnx.layout import Layout
    from edgeslm_exporters.onnx.schema import Model

    Arrays = dict[str, NDArray[Any]]
    Floats = NDArray[np.float32]

LOADERS = 2
_CACHE_TYPES: dict[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(int8)": np.int8,
    "tensor(uint8)": np.uint8,
}


def last_logits(places: Layout, folder: Path, prompts: Sequence[Sequence[int]]) -> list[Floats]:
    """Return the logits [vocab] that follow each prompt, from the data file in `folder`.

    Every stage reads all prompts while it is there, and meanwhile the next one is loaded.
    Raises what opening a session raises (engine/runtime/onnx.py).
    """
    known = [_first_values(prompt) for prompt in prompts]
    with ThreadPoolExecutor(LOADERS, "stage") as pool:
        graphs = enumerate(stage_graphs(places, stages(places)))
        for _, session in in_order(pool, partial(_open, folder), graphs, ahead=LOADERS - 1):
            for values, given in zip(known, pool.map(partial(_given, session), known), strict=True):
                values.update(given)
            del session
            trim_heap()
    return [values["logits"][0, -1] for values in known]


def _given(session: InferenceSession, values: Arrays) -> Arrays:
    """Run a stage on what is known of a prompt; return what it adds to that."""
    names = [node.name for node in session.get_outputs() if not node.name.startswith("present.")]
    fed = {node.name: _fed(node, values) for node in session.get_inputs()}
    return dict(zip(names, session.run(names, fed), strict=True))


def _first_values(token_ids: Sequence[int]) -> Arrays:
    count = len(token_ids)
    return {
        "input_ids": np.array([token_ids], np.int64),
        "position_ids": np.arange(count, dtype=np.int64)[None],
        "seqlens_k": np.array([count - 1], np.int32),
        "total_sequence_length": np.array(count, np.int32),
        "logits_positions": np.array([count - 1], np.int64),
    }


def _fed(node: Any, values: Arrays) -> NDArray[Any]:  # noqa: ANN401  # onnxruntime's NodeArg has no stub
    """Return what an input is given: a value, or an empty cache with room for the prompt."""
    if node.name in values:
        return values[node.name]
    batch, heads, _, width = node.shape
    return np.zeros((batch, heads, values["input_ids"].shape[1], width), _CACHE_TYPES[node.type])


def _open(folder: Path, numbered: tuple[int, Model]) -> InferenceSession:
    """Open a stage; its graph lies beside the data file only meanwhile.

    One thread each: the loaders keep the cores busy, and threads that wait for work would spin beside them.
    """
    number, model = numbered
    graph = folder / f"stage-{number}.onnx"
    try:
        graph.write_bytes(encode(model))
        return open_session(load_onnxruntime(), graph, threads=1)
    finally:
        graph.unlink(missing_ok=True)
