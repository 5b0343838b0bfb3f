"""Runs a calibration text through the fp32 decoder and keeps what the inputs of each matrix product were.

    weights -> fp32 graph in a workspace, its products' inputs as outputs -> onnxruntime, one window of text at a time
            -> moments and magnitudes summed in files of the workspace -> Inputs of each product, mapped

Memory is that of the runtime (the fp32 weights) and of one window's activations; the sums lie in mapped files, which
the kernel may write out: 4 bytes x K x K for a product of K inputs, once for products that share their input.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edgeslm_agent.engine.runtime.onnx import load_onnxruntime, open_session
from edgeslm_agent.errors import UsageError
from edgeslm_exporters.onnx.layout import GRAPH_NAME, layout
from edgeslm_exporters.onnx.schema import encode
from edgeslm_exporters.onnx.taps import tapped_graph
from edgeslm_exporters.onnx.writer import write_data
from edgeslm_exporters.quantize.inputs import Inputs
from edgeslm_exporters.recipe import parse_recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from onnxruntime import InferenceSession

    from edgeslm_exporters.decoder_spec import DecoderSpec
    from edgeslm_exporters.onnx.layout import Layout
    from edgeslm_exporters.weights import Weights

    Floats = NDArray[np.float32]

WINDOW = 256  # tokens read together
TOKENS = 16_384  # enough: up to 10 M tokens gave no consistent gain over a few thousand (shared by AWQ's authors)
CHECK_SHARE = 8  # the last eighth of every window is held out
CHECK_ROWS = 512  # of the held-out inputs of a product


def windows(texts: Sequence[Sequence[int]], context: int) -> list[Sequence[int]]:
    """Cut texts of token ids into what is read together, up to TOKENS; pieces too short to hold out from are dropped.

    Raises UsageError when nothing is left.
    """
    size = min(WINDOW, context)
    pieces = [text[start : start + size] for text in texts for start in range(0, len(text), size)]
    pieces = [piece for piece in pieces if len(piece) >= CHECK_SHARE]
    kept, total = [], 0
    for piece in pieces:
        if total >= TOKENS:
            break
        kept.append(piece)
        total += len(piece)
    if not kept:
        raise UsageError("the calibration text is too short", "give at least a few sentences")
    return kept


def calibrate(
    weights: Weights,
    spec: DecoderSpec,
    texts: Sequence[Sequence[int]],
    workspace: Path,
    *,
    threads: int,
    advance: Callable[[int], None],
) -> dict[str, Inputs]:
    """Return what the products of a decoder read on texts of token ids, by the projection's name.

    `workspace` is an empty folder, and has to stay as long as the result is used. `advance` is told the weights
    written, and as many again while the texts are read. Experts that no token chose are missing.
    """
    pieces = windows(texts, spec.max_positions)
    places = layout(spec, parse_recipe("fp32"), max(len(piece) for piece in pieces))
    write_data(weights, places, workspace, threads, advance)
    model, multiplied = tapped_graph(places)
    (workspace / GRAPH_NAME).write_bytes(encode(model))
    session = open_session(load_onnxruntime(), workspace / GRAPH_NAME, threads)
    values = [output.name for output in session.get_outputs()]
    checked = max(1, -(-CHECK_ROWS // len(pieces)))
    units, tokens = sum(m.projection.rows * m.projection.columns for m in places.matrices), sum(map(len, pieces))
    sums: dict[str, _Sums] = {}
    for piece in pieces:
        for name, seen in zip(values, session.run(values, feeds(session, places, piece)), strict=True):
            rows = seen.reshape(-1, seen.shape[-1])
            if name not in sums:
                sums[name] = _Sums(workspace, len(sums), rows.shape[1])
            sums[name].add(rows, checked)
        advance(units * len(piece) // tokens)
    found = {name: total.inputs() for name, total in sums.items()}
    return {projection: found[value] for projection, value in multiplied.items()}


def feeds(session: InferenceSession, places: Layout, piece: Sequence[int]) -> dict[str, NDArray[Any]]:
    """Return the graph's inputs for one window that starts with an empty cache."""
    count, spec = len(piece), places.spec
    positions = np.arange(count, dtype=np.int64)
    empty = np.zeros((1, spec.kv_heads, places.context, spec.head_size), np.float32)
    known: dict[str, NDArray[Any]] = {
        "input_ids": np.array([piece], np.int64),
        "seqlens_k": np.array([count - 1], np.int32),
        "total_sequence_length": np.array(count, np.int32),
        "logits_positions": positions,
        "position_ids": positions[None],
    }
    return {node.name: known.get(node.name, empty) for node in session.get_inputs()}


class _Sums:
    """Adds up one product's inputs, window by window, in two files."""

    def __init__(self, folder: Path, number: int, columns: int) -> None:
        self._moments: Floats = np.memmap(folder / f"{number}.moments", np.float32, "w+", shape=(columns, columns))
        self._checks: Floats = np.memmap(folder / f"{number}.checks", np.float32, "w+", shape=(CHECK_ROWS, columns))
        self._magnitudes: Floats = np.zeros(columns, np.float32)
        self._rows = self._checked = 0

    def add(self, rows: Floats, checked: int) -> None:
        """Add inputs [tokens, columns], but for the last eighth, of which about `checked` are kept instead."""
        cut = len(rows) - len(rows) // CHECK_SHARE
        seen, held_out = rows[:cut], rows[cut :: -(-(len(rows) - cut) // checked)]
        self._moments += seen.T @ seen
        self._magnitudes += np.abs(seen).sum(axis=0)
        self._rows += cut
        room = held_out[: CHECK_ROWS - self._checked]
        self._checks[self._checked : self._checked + len(room)] = room
        self._checked += len(room)

    def inputs(self) -> Inputs:
        """Return the means, and what was held out."""
        self._moments /= np.float32(self._rows)
        return Inputs(self._moments, self._magnitudes / np.float32(self._rows), self._checks[: self._checked])
