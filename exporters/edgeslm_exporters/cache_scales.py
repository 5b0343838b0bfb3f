"""Runs a calibration text through the fp32 decoder and chooses the scales of a quantised KV cache.

    weights -> fp32 graph in a workspace -> the engine's own runtime, in sequences as long as the deployed context
            -> its cache, which holds what will be quantised -> the largest magnitude of each channel of each head

The sequences are that long because keys are cached rotated: a channel that turns slowly takes its largest values late.
The operator clips what a code cannot reach: nothing of what was seen in 8 bits, the upper quarter in 4 (README.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgeslm_agent.engine.runtime.onnx import OnnxRuntime
from edgeslm_agent.errors import UsageError
from edgeslm_exporters.onnx.graph import decoder_graph
from edgeslm_exporters.onnx.layout import GRAPH_NAME, layout, scale_names
from edgeslm_exporters.onnx.schema import encode
from edgeslm_exporters.onnx.writer import write_data
from edgeslm_exporters.recipe import parse_recipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edgeslm_exporters.algorithms import Workbench
    from edgeslm_exporters.onnx.layout import Layout
    from edgeslm_exporters.weights import Weights

    Floats = NDArray[np.float32]

TOKENS = 8192  # a quarter of them doubles the KL that an 8-bit cache leaves, twice as many lower it by 7 %
CHUNK = 128
CODES = {8: 127, 4: 7}  # the largest one
REACH = {8: 1.0, 4: 0.75}  # of the largest value seen, that the largest code stands for
SMALLEST = np.float32(2.0**-64)  # for a channel that is always zero; well above what becomes a denormal


def cache_scales(weights: Weights, places: Layout, bench: Workbench) -> dict[str, Floats]:
    """Return the scales [1, kv_heads, 1, head_size] of a quantised cache by their names; none for a cache of floats.

    `bench.advance` is told the weights written, and as many again while the text is read.
    Raises UsageError when there is no calibration text, and what reading and running the model raise.
    """
    if places.kv_bits == 32:
        return {}
    exact = layout(places.spec, parse_recipe("fp32"), places.context)
    sequences = _sequences(bench.texts, places.context)
    units, tokens = sum(m.projection.rows * m.projection.columns for m in exact.matrices), sum(map(len, sequences))
    runtime = _runtime(weights, exact, bench)
    names = [name for layer in places.spec.stack for name in scale_names(layer)]
    largest = {name: np.zeros((places.spec.kv_heads, places.spec.head_size), np.float32) for name in names}
    for sequence in sequences:
        runtime.prefill(sequence, 0)
        for peaks, cached in zip(largest.values(), runtime.cached(len(sequence)), strict=True):
            np.maximum(peaks, np.abs(cached).max(axis=1), out=peaks)
        bench.advance(units * len(sequence) // tokens)
    runtime.close()
    step = np.float32(REACH[places.kv_bits] / CODES[places.kv_bits])
    return {name: np.maximum(peaks * step, SMALLEST)[None, :, None, :] for name, peaks in largest.items()}


def _sequences(texts: Sequence[Sequence[int]], context: int) -> list[Sequence[int]]:
    """Cut texts into what a cache can hold, as many as make TOKENS."""
    kept: list[Sequence[int]] = []
    for text in texts:
        for start in range(0, len(text), context):
            if sum(map(len, kept)) >= TOKENS:
                return kept
            kept.append(text[start : start + context])
    if not kept:
        raise UsageError(
            "a quantised KV cache takes its scales from a calibration text, and there is none",
            "give one, or take the recipe without -kv",
        )
    return kept


def _runtime(weights: Weights, exact: Layout, bench: Workbench) -> OnnxRuntime:
    folder = bench.folder / "fp32"
    folder.mkdir()
    write_data(weights, exact, folder, bench.threads, bench.advance)
    (folder / GRAPH_NAME).write_bytes(encode(decoder_graph(exact)))
    return OnnxRuntime(
        folder / GRAPH_NAME,
        exact.decoder_shape(GRAPH_NAME),
        min_version=exact.min_onnxruntime,
        threads=bench.threads,
        prefill_rows=CHUNK,
        score_rows=1,
    )
