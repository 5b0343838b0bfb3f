"""A checkpoint of SmolLM2-135M's shape with random weights, so that benches need no download.

Speed and memory depend on shapes and dtypes, not on what the weights say. The files are made once, in .cache/bench.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.environments import CACHE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONFIG: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 576,
    "intermediate_size": 1536,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "vocab_size": 49152,
    "tie_word_embeddings": True,
    "max_position_embeddings": 8192,
    "rope_theta": 100000,
    "rms_norm_eps": 1e-5,
    "hidden_act": "silu",
    "attention_bias": False,
    "mlp_bias": False,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "torch_dtype": "bfloat16",
}
SEED = 135


def smollm2_shape() -> Path:
    """Return the folder of the checkpoint, written on the first call (269 MB, seconds)."""
    folder = CACHE / "bench" / "smollm2-135m-random"
    if folder.is_dir():
        return folder
    temporary = folder.with_name(folder.name + ".partial")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    _write_json(temporary / "config.json", CONFIG)
    _write_json(temporary / "generation_config.json", {"bos_token_id": 1, "eos_token_id": 2})
    _write_json(temporary / "tokenizer.json", _tokenizer(CONFIG["vocab_size"]))
    _write_json(
        temporary / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "</s>"}
    )
    _write_weights(temporary / "model.safetensors")
    temporary.rename(folder)
    return folder


def shapes() -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield name and shape of every tensor, as Hugging Face names them."""
    hidden, inner = CONFIG["hidden_size"], CONFIG["intermediate_size"]
    kv = hidden // CONFIG["num_attention_heads"] * CONFIG["num_key_value_heads"]
    yield "model.embed_tokens.weight", (CONFIG["vocab_size"], hidden)
    for layer in range(CONFIG["num_hidden_layers"]):
        prefix = f"model.layers.{layer}."
        yield prefix + "input_layernorm.weight", (hidden,)
        yield prefix + "self_attn.q_proj.weight", (hidden, hidden)
        yield prefix + "self_attn.k_proj.weight", (kv, hidden)
        yield prefix + "self_attn.v_proj.weight", (kv, hidden)
        yield prefix + "self_attn.o_proj.weight", (hidden, hidden)
        yield prefix + "post_attention_layernorm.weight", (hidden,)
        yield prefix + "mlp.gate_proj.weight", (inner, hidden)
        yield prefix + "mlp.up_proj.weight", (inner, hidden)
        yield prefix + "mlp.down_proj.weight", (hidden, inner)
    yield "model.norm.weight", (hidden,)


def _write_weights(path: Path) -> None:
    """Write one BF16 safetensors file, tensor by tensor."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name, shape in shapes():
        end = offset + 2 * int(np.prod(shape))
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    rng = np.random.default_rng(SEED)
    with path.open("wb") as stream:
        stream.write(len(text).to_bytes(8, "little") + text)
        for _, shape in shapes():
            stream.write(_random_bf16(rng, shape))


def _random_bf16(rng: np.random.Generator, shape: tuple[int, ...]) -> bytes:
    """Draw one tensor: norms around one, matrices with a standard deviation of 1/sqrt(inputs); BF16 by truncation."""
    if len(shape) == 1:
        values = rng.uniform(0.8, 1.2, shape).astype(np.float32)
    else:
        values = rng.standard_normal(shape, dtype=np.float32) / np.float32(shape[1] ** 0.5)
    return (values.view(np.uint32) >> 16).astype("<u2").tobytes()


def _tokenizer(vocab_size: int) -> dict[str, Any]:
    """Return a valid tokenizer of as many words; the benches themselves feed token ids."""
    special = ["<unk>", "<s>", "</s>"]
    words = {word: index for index, word in enumerate([*special, *(f"w{n}" for n in range(3, vocab_size))])}
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": index, "content": word, **flags} for index, word in enumerate(special)],
        "normalizer": None,
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": None,
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": words, "unk_token": "<unk>"},
    }


def _write_json(path: Path, document: dict[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    print(smollm2_shape().name)
