"""GGUF files of a tiny Llama-type decoder, written by the `gguf` package of llama.cpp: the oracle for our reader."""

from __future__ import annotations

from string import ascii_lowercase
from typing import TYPE_CHECKING, Any

import gguf
import numpy as np

from support.checkpoints import random_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from support.checkpoints import Case

_NAMES = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_TOP = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}


def write_gguf(
    path: Path,
    case: Case,
    storage: Mapping[str, str] | None = None,
    *,
    architecture: str = "llama",
    more: Callable[[gguf.GGUFWriter], None] | None = None,
) -> dict[str, NDArray[np.float32]]:
    """Write a case as GGUF and return what each Hugging Face tensor is after its rounding.

    `storage` names the GGML type of matrices by the end of their name ('' for all others, F32 when absent); `more`
    may add metadata.
    """
    config = case.config
    writer = gguf.GGUFWriter(str(path), architecture)
    _write_facts(writer, config)
    _write_words(writer, config["vocab_size"])
    if more is not None:
        more(writer)
    kept: dict[str, NDArray[np.float32]] = {}
    for name, values in random_weights(case).items():
        ordered = _interleaved(name, values, config) if architecture == "llama" else values
        kind = _kind(name, values, storage or {})
        stored = gguf.quants.quantize(ordered, kind)
        writer.add_tensor(gguf_name(name), stored, raw_dtype=kind)
        rounded = gguf.quants.dequantize(stored, kind).reshape(values.shape)
        kept[name] = _in_halves(name, rounded, config) if architecture == "llama" else rounded
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return kept


def gguf_name(name: str) -> str:
    """Return llama.cpp's name of a Hugging Face tensor."""
    module, _, kind = name.rpartition(".")
    if module in _TOP:
        return f"{_TOP[module]}.{kind}"
    _, _, layer, inner = module.split(".", 3)
    return f"blk.{layer}.{_NAMES[inner]}.{kind}"


def _kind(name: str, values: NDArray[np.float32], storage: Mapping[str, str]) -> gguf.GGMLQuantizationType:
    wanted = next(
        (kind for end, kind in storage.items() if end and name.endswith(f"{end}.weight")), storage.get("", "F32")
    )
    return gguf.GGMLQuantizationType[wanted if values.ndim == 2 else "F32"]


def _write_facts(writer: gguf.GGUFWriter, config: Mapping[str, Any]) -> None:
    heads = config["num_attention_heads"]
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_key_length(config.get("head_dim") or config["hidden_size"] // heads)
    writer.add_vocab_size(config["vocab_size"])


def _write_words(writer: gguf.GGUFWriter, count: int) -> None:
    """Write a byte-level vocabulary of the size the model has: three special tokens, the letters, pairs of letters."""
    pairs = [(left, right) for left in ascii_lowercase for right in ascii_lowercase][: count - 29]
    words = ["<unk>", "<s>", "</s>", *ascii_lowercase, *(left + right for left, right in pairs)]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(words)
    writer.add_token_types([3] * 3 + [1] * (count - 3))
    writer.add_token_merges([f"{left} {right}" for left, right in pairs])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)


def _interleaved(name: str, values: NDArray[np.float32], config: Mapping[str, Any]) -> NDArray[np.float32]:
    """Put the two halves of each query and key head between each other, as llama.cpp's converter does."""
    return _turned(name, values, config, halves_first=True)


def _in_halves(name: str, values: NDArray[np.float32], config: Mapping[str, Any]) -> NDArray[np.float32]:
    return _turned(name, values, config, halves_first=False)


def _turned(
    name: str, values: NDArray[np.float32], config: Mapping[str, Any], *, halves_first: bool
) -> NDArray[np.float32]:
    keys = {"q_proj": "num_attention_heads", "k_proj": "num_key_value_heads"}
    key = next((key for projection, key in keys.items() if projection in name), None)
    if key is None:
        return values
    inner = len(values) // config[key] // 2
    split = (config[key], 2, inner) if halves_first else (config[key], inner, 2)
    return np.ascontiguousarray(values.reshape(*split, -1).swapaxes(1, 2).reshape(values.shape))
