"""What a .tflite decoder of another tool is, read from the file: its sizes, and why our runtime would not drive it.

The signatures are those that litert-torch writes and LiteRT-LM runs (see graph.py); keys [1, heads, context, size],
values so or with their last two dimensions turned.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from edgeslm_agent.contract.manifest import DecoderShape
from edgeslm_agent.engine.runtime.tflite_file import open_tflite
from edgeslm_agent.errors import Incompatible
from edgeslm_exporters.tflite.schema import TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from edgeslm_agent.engine.runtime.tflite_file import TfliteFile, View

_CACHE = re.compile(r"kv_cache_[kv]_\d+")
_WANTED = "export it with one cache length, and with embeddings and rotation inside"


def foreign_shape(graph: Path, path: str) -> DecoderShape:
    """Return what an engine must know to drive the file, which will lie at `path` in a bundle.

    Raises Corrupt for what is no sound .tflite file, Incompatible for signatures that are not a whole decoder's.
    """
    signatures = {signature.text(2): _tensors(open_tflite(graph), signature) for signature in _signatures(graph)}
    if "decode" not in signatures:
        names = ", ".join(sorted(signatures)) or "none"
        raise Incompatible(f"{graph.name} has no signature 'decode'; it has {names}", _WANTED)
    inputs, outputs = signatures["decode"]
    layers = len([name for name in inputs if name.startswith("kv_cache_k_")])
    if problems := tuple(_problems(inputs, outputs, layers)):
        raise Incompatible(f"{graph.name} is not a decoder that can be run: {'; '.join(problems)}", _WANTED)
    _, heads, context, size = _shape(inputs["kv_cache_k_0"])
    return DecoderShape(
        graph=path,
        layers=layers,
        kv_heads=heads,
        head_size=size,
        vocab_size=_shape(outputs["logits"])[-1],
        context=context,
        position_ids=True,
        kv_bits=32,
    )


def weight_count(graph: Path) -> int:
    """Return how many weights the matrices of a file have, each counted once however many signatures read it."""
    found = {
        tensor.scalar(2, "I"): _shape(tensor)
        for subgraph in open_tflite(graph).model.tables(2)
        for tensor in subgraph.tables(0)
    }
    return sum(shape[0] * shape[1] for buffer, shape in found.items() if buffer and len(shape) == 2)
