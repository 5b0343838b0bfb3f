"""What llama.cpp calls the tensors and settings of a decoder, in the words of its Hugging Face checkpoint.

An architecture of llama.cpp is listed here when its tensors are those of a `model_type`, value for value, but for the
order of query and key rows: `llama` turns neighbouring rows of a head where Hugging Face turns its two halves.
Source: gguf-py/gguf/tensor_mapping.py and permute() of convert_hf_to_gguf.py in llama.cpp.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeslm_agent.errors import BadCheckpoint, UnsupportedArchitecture, UnsupportedOperator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from edgeslm_exporters.sources.gguf.file import GgufFile

# llama.cpp's name -> model_type, and whether its query and key rows are interleaved.
ARCHITECTURES = {"llama": ("llama", True), "qwen2": ("qwen2", False), "qwen3": ("qwen3", False)}
ROPE_FACTORS = "rope_freqs.weight"
_KIND = "rope.scaling.type"
_TOP = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
_IN_LAYER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_BLOCK = re.compile(r"blk\.(?P<layer>\d+)\.(?P<module>\w+)\.(?P<kind>weight|bias)")


@dataclass(frozen=True)
class Place:
    """Where a Hugging Face tensor is in the file; `head` is the size of its heads when their rows are interleaved."""

    stored: str
    head: int | None


def places(file: GgufFile) -> dict[str, Place]:
    """Return where each Hugging Face tensor is.

    Raises UnsupportedArchitecture for an architecture that is not listed, UnsupportedOperator for a tensor of it that
    has no name here.
    """
    found: dict[str, Place] = {}
    unknown = []
    _, interleaved = _architecture(file.metadata)
    for stored in file.tensors:
        name = _hugging_face(stored)
        turned = interleaved and re.search(r"self_attn\.[qk]_proj", name or "") is not None
        if name is not None:
            found[name] = Place(stored, _dimensions(file.metadata)["head_dim"] if turned else None)
        elif stored != ROPE_FACTORS:
            unknown.append(stored)
    if unknown:
        raise UnsupportedOperator(
            f"{file.path.name} has tensors without a name in Hugging Face's words: {', '.join(unknown[:4])}",
            "take the model as safetensors",
        )
    return found


def config(file: GgufFile) -> dict[str, Any]:
    """Return the config.json the model would have.

    Raises BadCheckpoint when the metadata lacks what it needs, UnsupportedOperator for settings without a form.
    """
    metadata, (model_type, _) = file.metadata, _architecture(file.metadata)
    if _number(metadata, "expert_count", 0):
        raise UnsupportedOperator(f"{file.path.name} has experts", "take the model as safetensors")
    table = file.tensors.get("token_embd.weight")
    return {
        "model_type": model_type,
        **_dimensions(metadata),
        "vocab_size": None if table is None else table.shape[0],
        "tie_word_embeddings": "output.weight" not in file.tensors,
        "rms_norm_eps": _number(metadata, "attention.layer_norm_rms_epsilon"),
        "hidden_act": "silu",
        "attention_bias": "blk.0.attn_output.bias" in file.tensors,
        "rope_parameters": {**_scaling(file), "rope_theta": _number(metadata, "rope.freq_base", 10000.0)},
        "bos_token_id": metadata.get("tokenizer.ggml.bos_token_id"),
        "eos_token_id": metadata.get("tokenizer.ggml.eos_token_id"),
    }


def in_halves(rows: NDArray[np.intp], head: int) -> NDArray[np.intp]:
    """Return which interleaved rows the given rows, heads in two halves, are."""
    inside = rows % head
    return rows - inside + inside % (head // 2) * 2 + inside // (head // 2)


def _architecture(metadata: Mapping[str, Any]) -> tuple[str, bool]:
    name = metadata.get("general.architecture")
    if name not in ARCHITECTURES:
        raise UnsupportedArchitecture(
            f"nobody wrote down the names of llama.cpp's architecture {name!r} (known: {', '.join(ARCHITECTURES)})",
            "take the model as safetensors, or add it to sources/gguf/names.py",
        )
    return ARCHITECTURES[name]


def _hugging_face(stored: str) -> str | None:
    if match := _BLOCK.fullmatch(stored):
        module = _IN_LAYER.get(match["module"])
        return None if module is None else f"model.layers.{match['layer']}.{module}.{match['kind']}"
    module, _, kind = stored.rpartition(".")
    return f"{_TOP[module]}.{kind}" if module in _TOP and kind == "weight" else None


def _dimensions(metadata: Mapping[str, Any]) -> dict[str, int]:
    heads, hidden = _number(metadata, "attention.head_count"), _number(metadata, "embedding_length")
    head = _number(metadata, "attention.key_length", hidden // max(1, heads))
    if _number(metadata, "rope.dimension_count", head) != head:
        raise UnsupportedOperator("the model rotates a part of each head only", "take it as safetensors")
    found = {
        "hidden_size": hidden,
        "intermediate_size": _number(metadata, "feed_forward_length"),
        "num_hidden_layers": _number(metadata, "block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": _number(metadata, "attention.head_count_kv", heads),
        "head_dim": head,
        "max_position_embeddings": _number(metadata, "context_length"),
    }
    return {name: int(value) for name, value in found.items()}


def _number(metadata: Mapping[str, Any], key: str, default: float | None = None) -> float:
    """Return a setting of the architecture.

    Raises BadCheckpoint when it is no finite number, or missing without a default.
    """
    name = f"{metadata['general.architecture']}.{key}"
    value = metadata.get(name, default)
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        raise BadCheckpoint(
            f"the metadata's {name} is {value!r}, not a number", "convert the model again with a current llama.cpp"
        )
    return value


def _scaling(file: GgufFile) -> dict[str, Any]:
    """Return how positions are stretched.

    llama.cpp keeps the factors of Llama 3's scaling, not what they came from: Llama 3.1 to 3.3 blend between
    wavelengths of 8192 and 2048 tokens. Another blend is refused, as is every other kind but linear.
    """
    tensor, kind = file.tensors.get(ROPE_FACTORS), file.metadata.get(f"{file.metadata['general.architecture']}.{_KIND}")
    if tensor is None and kind in (None, "none", "linear"):
        factor = _number(file.metadata, "rope.scaling.factor", 1.0)
        return {"rope_type": "default"} if factor == 1.0 else {"rope_type": "linear", "factor": factor}
    if tensor is not None and tensor.storage.name == "F32":
        factors = file.stored(tensor, 0, 1).view("<f4")[0]
        theta, factor = _number(file.metadata, "rope.freq_base", 10000.0), float(factors.max())
        if np.allclose(factors, _llama3_factors(theta, factor, len(factors)), rtol=1e-3):
            limits = {"low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}
            return {"rope_type": "llama3", "factor": factor, **limits}
    raise UnsupportedOperator(
        f"{file.path.name} stretches positions in a way nobody wrote down", "take the model as safetensors"
    )


def _llama3_factors(theta: float, factor: float, count: int) -> NDArray[np.float64]:
    wavelength = 2 * np.pi * theta ** (np.arange(count) / count)
    share = np.clip((8192 / wavelength - 1) / 3, 0, 1)  # of frequencies that stay as they are
    factors: NDArray[np.float64] = 1 / (share + (1 - share) / factor)
    return factors
