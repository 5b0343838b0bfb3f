"""The checkpoint that ships: plain LlamaForCausalLM, 16-bit floats, one file at a time and each complete or absent."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from safetensors.torch import save_file

from . import tokenizer as words

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tokenizers import Tokenizer

    from .model import Decoder, Shape


def replaced(path: Path, write: Callable[[Path], None]) -> None:
    """Write beside the file, flush it to the disk, then take its place."""
    temporary = path.with_name(f".{path.name}.tmp")
    write(temporary)
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(path)


def config(shape: Shape) -> dict[str, object]:
    """config.json of the checkpoint."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": shape.hidden,
        "intermediate_size": shape.ffn,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_dim,
        "vocab_size": shape.vocabulary,
        "max_position_embeddings": shape.positions,
        "rope_theta": shape.rope_theta,
        "rms_norm_eps": shape.norm_eps,
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": True,
        "bos_token_id": 1,
        "eos_token_id": 3,
        "pad_token_id": 0,
        "torch_dtype": "float16",
        "use_cache": True,
    }


def export(model: Decoder, tokenizer: Tokenizer, folder: Path) -> None:
    """Write config, weights and tokenizer in Hugging Face layout."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {f"model.{name}": tensor.detach().half().contiguous() for name, tensor in model.state_dict().items()}
    generation: dict[str, object] = {
        "bos_token_id": 1,
        "eos_token_id": 3,
        "pad_token_id": 0,
        "do_sample": False,
        "max_new_tokens": 128,
    }
    replaced(folder / "tokenizer.json", lambda p: tokenizer.save(str(p)))
    replaced(folder / "tokenizer_config.json", words.save_config)
    replaced(folder / "config.json", _json(config(model.shape)))
    replaced(folder / "generation_config.json", _json(generation))
    replaced(folder / "model.safetensors", lambda p: save_file(weights, p, metadata={"format": "pt"}))


def _json(value: dict[str, object]) -> Callable[[Path], None]:
    return lambda path: _write(path, json.dumps(value, indent=2) + "\n")


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
