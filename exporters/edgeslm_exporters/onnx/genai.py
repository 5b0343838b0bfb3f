"""What makes `artifacts/` a folder that onnxruntime-genai loads: a second graph on the same data file, and its config.

The keys of genai_config.json are those that onnxruntime-genai's own model builder writes.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from edgeslm_agent.contract.manifest import FileEntry
from edgeslm_exporters.chat_template import stop_tokens
from edgeslm_exporters.onnx.front import genai_front
from edgeslm_exporters.onnx.graph import decoder_graph
from edgeslm_exporters.onnx.schema import encode

if TYPE_CHECKING:
    from pathlib import Path

    from edgeslm_exporters.checkpoint import Checkpoint
    from edgeslm_exporters.onnx.layout import Layout

GENAI_GRAPH, GENAI_CONFIG = "genai.onnx", "genai_config.json"
# Its runtime refuses families whose names it does not know (StableLM, OLMo 2, Mixtral, OPT, ...) and feeds GPT-2 other
# inputs; what we write is driven in one way whatever the family.
ANY_DECODER = "decoder"


def write_genai(checkpoint: Checkpoint, layout: Layout, folder: Path) -> tuple[FileEntry, FileEntry]:
    """Write both files into `folder`, beside the data file, and return their entries."""
    graph = encode(decoder_graph(layout, genai_front))
    config = json.dumps(genai_config(checkpoint, layout), indent=2) + "\n"
    return _written(folder, GENAI_GRAPH, graph), _written(folder, GENAI_CONFIG, config.encode())


def genai_config(checkpoint: Checkpoint, layout: Layout) -> dict[str, Any]:
    """Return the content of genai_config.json: greedy search by default, the cache allocated once for the context."""
    return {"model": {**_model(checkpoint, layout), "decoder": _decoder(layout)}, "search": _search(layout)}


def _model(checkpoint: Checkpoint, layout: Layout) -> dict[str, Any]:
    spec, stops = layout.spec, stop_tokens(checkpoint)
    found: dict[str, Any] = {
        "type": ANY_DECODER,
        "vocab_size": spec.vocab,
        "context_length": layout.context,
    }
    first = checkpoint.config.get("bos_token_id")
    if isinstance(first, int):
        found["bos_token_id"] = first
    if stops:
        found |= {"eos_token_id": list(stops), "pad_token_id": stops[0]}  # its builder also pads with the stop token
    return found


def _decoder(layout: Layout) -> dict[str, Any]:
    spec = layout.spec
    return {
        "filename": GENAI_GRAPH,
        "session_options": {"log_id": "onnxruntime-genai", "provider_options": []},
        "hidden_size": spec.hidden,
        "head_size": spec.head_size,
        "num_attention_heads": spec.heads,
        "num_key_value_heads": spec.kv_heads,
        "num_hidden_layers": spec.layers,
        "inputs": {
            "input_ids": "input_ids",
            "attention_mask": "attention_mask",
            "past_key_names": "past_key_values.%d.key",
            "past_value_names": "past_key_values.%d.value",
        },
        "outputs": {
            "logits": "logits",
            "present_key_names": "present.%d.key",
            "present_value_names": "present.%d.value",
        },
    }


def _search(layout: Layout) -> dict[str, Any]:
    return {
        "max_length": layout.context,
        "min_length": 0,
        "do_sample": False,
        "num_beams": 1,
        "num_return_sequences": 1,
        "past_present_share_buffer": True,
        "repetition_penalty": 1.0,
        "temperature": 1.0,
        "top_k": 50,
        "top_p": 1.0,
    }


def _written(folder: Path, name: str, data: bytes) -> FileEntry:
    (folder / name).write_bytes(data)
    return FileEntry(f"artifacts/{name}", len(data), hashlib.sha256(data).hexdigest())
