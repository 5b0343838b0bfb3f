"""How much memory an export takes on the machine that runs it, from headers alone: anonymous bytes at their peak.

Mapped files (the checkpoint, the table of embeddings) do not count: the kernel drops them when it needs room. Upper
ends, so that a limit is kept: observed with onnxruntime 1.31.1 were 46 MB for the built-in model in int4 (here 104),
for SmolLM2-135M's shape 158 MB in int4 (234) and 210 MB in fp32 (243), for TinyLlama's in int4 201 MB (238).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeslm_agent.engine.runtime.port import SCORE_BYTES
from edgeslm_agent.units import format_bytes
from edgeslm_exporters.onnx.cut import neighbours_bytes
from edgeslm_exporters.onnx.layout import Layout as OnnxLayout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgeslm_exporters.matrices import AnyLayout

MB = 2**20
BASE_BYTES = 64 * MB  # interpreter, numpy, onnxruntime, tokenizer: 45 MB seen
WRITING_BYTES = 32 * MB  # row blocks of the writer's threads and what waits in order
SCORING_COPIES = 10  # of a chunk's logits: both sides in fp32, and their logarithms in double precision
PROBE_TOKENS, SCORED_TOKENS = 8, 128  # read at once by the self-test's prompt, and by a comparison


@dataclass(frozen=True)
class Stage:
    """One stage of an export and the most anonymous memory it takes, in bytes."""

    what: str
    bytes: int

    def __str__(self) -> str:
        """Return it as part of a sentence."""
        return f"{self.what} takes up to {format_bytes(self.bytes)}"


def largest_stage(places: AnyLayout, reference: AnyLayout, *, compared: bool) -> Stage:
    """Return the stage of an export that takes most; `compared`: the fp32 reference runs beside the result."""
    return max(_stages(places, reference if compared else None), key=lambda stage: stage.bytes)


def _stages(places: AnyLayout, reference: AnyLayout | None) -> Iterator[Stage]:
    scales = max(4 * matrix.blocks * matrix.projection.rows for matrix in places.matrices)
    yield Stage("writing the weights", BASE_BYTES + WRITING_BYTES + 2 * scales + _rotary_bytes(places))
    yield Stage("running the self-test", _self_test_bytes(places))
    if reference is not None:
        yield Stage("exporting the fp32 reference", _self_test_bytes(reference))
        both = _session_bytes(places, SCORED_TOKENS) + _session_bytes(reference, SCORED_TOKENS)
        logits = min(SCORE_BYTES, 4 * SCORED_TOKENS * places.spec.vocab)
        yield Stage("comparing with the fp32 reference", BASE_BYTES + SCORING_COPIES * logits + both)


def _self_test_bytes(places: AnyLayout) -> int:
    """Return what one prompt takes: ONNX runs stage by stage, two at a time; codes are copied once more when packed."""
    if isinstance(places, OnnxLayout):
        copies = 2 if any(matrix.block for matrix in places.matrices) else 1
        return BASE_BYTES + WRITING_BYTES + copies * neighbours_bytes(places)
    return BASE_BYTES + _session_bytes(places, PROBE_TOKENS)


def _session_bytes(places: AnyLayout, tokens: int) -> int:
    """Return what a loaded session takes: weights, the largest once more while loading, cache, one pass of `tokens`."""
    largest = max(matrix.loaded_bytes for matrix in places.matrices)
    running = places.kv_cache_bytes + places.activation_bytes(min(tokens, places.context), places.context)
    return places.resident_bytes + max(largest, running)


def _rotary_bytes(places: AnyLayout) -> int:
    """Return the tables of cosines and sines, with the angles in double precision they are made from."""
    return 6 * sum(4 * places.context * rotary.size // 2 for rotary in places.spec.rotaries)
