"""Checkpoints of known shapes with random weights, so that benches need no download.

Speed and memory depend on shapes and dtypes, not on what the weights say. The files are made once, in .cache/bench.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from bench.environments import CACHE
from bench.vocabulary import byte_pairs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Shape:
    """A model by its dimensions; `experts` above 1 makes every MLP a mixture of as many, two of them active.

    Its tokenizer has as many words, or byte pairs with their merges.
    """

    name: str
    dtype: Literal["BF16", "F16"]
    hidden: int
    intermediate: int
    layers: int
    heads: int
    kv_heads: int
    vocab: int
    tied: bool
    positions: int
    seed: int
    experts: int = 1
    tokenizer: Literal["words", "pairs"] = "words"

    def config(self) -> dict[str, Any]:
        """Return its config.json."""
        kind = "mixtral" if self.experts > 1 else "llama"
        mixture = {"num_local_experts": self.experts, "num_experts_per_tok": 2} if self.experts > 1 else {}
        return {
            "architectures": [f"{kind.title()}ForCausalLM"],
            "model_type": kind,
            "hidden_size": self.hidden,
            "intermediate_size": self.intermediate,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads,
            "vocab_size": self.vocab,
            "tie_word_embeddings": self.tied,
            "max_position_embeddings": self.positions,
            "rope_theta": 10000.0,
            "rms_norm_eps": 1e-5,
            "hidden_act": "silu",
            "bos_token_id": 1,
            "eos_token_id": 2,
            "torch_dtype": {"BF16": "bfloat16", "F16": "float16"}[self.dtype],
            **mixture,
        }

    def tensors(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Yield name and shape of every tensor, as Hugging Face names them."""
        kv = self.hidden // self.heads * self.kv_heads
        yield "model.embed_tokens.weight", (self.vocab, self.hidden)
        for layer in range(self.layers):
            prefix = f"model.layers.{layer}."
            yield prefix + "input_layernorm.weight", (self.hidden,)
            yield prefix + "self_attn.q_proj.weight", (self.hidden, self.hidden)
            yield prefix + "self_attn.k_proj.weight", (kv, self.hidden)
            yield prefix + "self_attn.v_proj.weight", (kv, self.hidden)
            yield prefix + "self_attn.o_proj.weight", (self.hidden, self.hidden)
            yield prefix + "post_attention_layernorm.weight", (self.hidden,)
            yield from self._mlp(prefix)
        yield "model.norm.weight", (self.hidden,)
        if not self.tied:
            yield "lm_head.weight", (self.vocab, self.hidden)

    def _mlp(self, prefix: str) -> Iterator[tuple[str, tuple[int, ...]]]:
        inner = (self.intermediate, self.hidden)
        if self.experts == 1:
            for name, shape in (("gate", inner), ("up", inner), ("down", inner[::-1])):
                yield f"{prefix}mlp.{name}_proj.weight", shape
            return
        yield prefix + "block_sparse_moe.gate.weight", (self.experts, self.hidden)
        for expert in range(self.experts):
            for name, shape in (("w1", inner), ("w2", inner[::-1]), ("w3", inner)):
                yield f"{prefix}block_sparse_moe.experts.{expert}.{name}.weight", shape


SMOLLM2_135M = Shape("smollm2-135m-random", "BF16", 576, 1536, 30, 9, 3, 49152, tied=True, positions=8192, seed=135)
TINYLLAMA_1B = Shape("tinyllama-1.1b-random", "F16", 2048, 5632, 22, 32, 4, 32000, tied=False, positions=2048, seed=11)
EIGHT_EXPERTS = Shape("mixtral-8-random", "F16", 1024, 1792, 16, 16, 4, 32000, False, 4096, seed=8, experts=8)
WIDE_VOCABULARY = Shape("vocabulary-262144-random", "F16", 1024, 2816, 16, 16, 4, 262144, True, 4096, seed=26)


def random_checkpoint(shape: Shape) -> Path:
    """Return the folder of the checkpoint, written on the first call (SmolLM2-135M's 269 MB in seconds)."""
    folder = CACHE / "bench" / shape.name
    if folder.is_dir():
        return folder
    temporary = folder.with_name(folder.name + ".partial")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    _write_json(temporary / "config.json", shape.config())
    _write_json(temporary / "generation_config.json", {"bos_token_id": 1, "eos_token_id": 2})
    _write_json(
        temporary / "tokenizer.json", byte_pairs(shape.vocab) if shape.tokenizer == "pairs" else _tokenizer(shape.vocab)
    )
    _write_json(
        temporary / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "</s>"}
    )
    _write_weights(shape, temporary / "model.safetensors")
    temporary.rename(folder)
    return folder


def _write_weights(shape: Shape, path: Path) -> None:
    """Write one safetensors file, tensor by tensor."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name, size in shape.tensors():
        end = offset + 2 * int(np.prod(size))
        header[name] = {"dtype": shape.dtype, "shape": list(size), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    rng = np.random.default_rng(shape.seed)
    with path.open("wb") as stream:
        stream.write(len(text).to_bytes(8, "little") + text)
        for _, size in shape.tensors():
            stream.write(_narrowed(_random(rng, size), shape.dtype))


def _random(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Draw one tensor: norms around one, matrices with a standard deviation of 1/sqrt(inputs)."""
    if len(shape) == 1:
        return rng.uniform(0.8, 1.2, shape).astype(np.float32)
    values: NDArray[np.float32] = rng.standard_normal(shape, dtype=np.float32) / np.float32(shape[1] ** 0.5)
    return values


def _narrowed(values: NDArray[np.float32], dtype: str) -> bytes:
    """Return the tensor's bytes; BF16 by truncation."""
    return values.astype("<f2").tobytes() if dtype == "F16" else (values.view(np.uint32) >> 16).astype("<u2").tobytes()


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
