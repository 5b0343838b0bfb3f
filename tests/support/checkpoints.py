"""Tiny random checkpoints in Hugging Face layout, from a numpy seed alone.

The same case gives the same bytes on every machine, so the references committed under tests/references/logits (what
`transformers` computes from a case) hold for a checkpoint that any test builds in milliseconds, without torch.
A case is one row of CASES: the config.json that is written, the stored dtype, the number of shards and the seed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from support.hf_layout import encode_tensor, word_tokenizer, write_json, write_weights

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Tensors = dict[str, NDArray[np.float32]]

PROMPT_TOKENS = 48
GREEDY_TOKENS = 32
WINDOW = 16  # shorter than the prompt, so a windowed reference differs from a full one

_LLAMA: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "rms_norm_eps": 1e-5,
    "hidden_act": "silu",
    "max_position_embeddings": 128,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
_MISTRAL = {**_LLAMA, "architectures": ["MistralForCausalLM"], "model_type": "mistral", "sliding_window": None}
_QWEN2 = {**_LLAMA, "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "rms_norm_eps": 1e-6}


@dataclass(frozen=True)
class Case:
    """One checkpoint: `config` is config.json as written, `dtype` one of F32, F16, BF16 as stored."""

    name: str
    config: dict[str, Any]
    dtype: str = "F32"
    shards: int = 1
    seed: int = 0

    @property
    def head_size(self) -> int:
        """Width of one attention head, explicit or implied."""
        return int(self.config.get("head_dim") or self.config["hidden_size"] // self.config["num_attention_heads"])

    def prompt(self) -> list[int]:
        """Return PROMPT_TOKENS token ids drawn from the case's seed, none of them special."""
        drawn = np.random.default_rng([self.seed, 1]).integers(3, self.config["vocab_size"], PROMPT_TOKENS)
        return [int(token) for token in drawn]


def _shape(hidden: int, heads: str, intermediate: int, vocab: int, *, layers: int = 2, tied: bool) -> dict[str, Any]:
    """Return the dimensions; `heads` is QUERY/KV, as in 4/2."""
    query, kv = (int(count) for count in heads.split("/"))
    return {
        "hidden_size": hidden,
        "num_attention_heads": query,
        "num_key_value_heads": kv,
        "intermediate_size": intermediate,
        "vocab_size": vocab,
        "num_hidden_layers": layers,
        "tie_word_embeddings": tied,
    }


def _without(config: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """Leave keys out: many published configs rely on the defaults of their model_type."""
    return {key: value for key, value in config.items() if key not in keys}


_LLAMA3_ROPE = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,  # shorter than the prompt, so the scaling bites
}

CASES: tuple[Case, ...] = (
    Case("llama-tied-f32", {**_LLAMA, **_shape(64, "4/2", 172, 97, tied=True), "rope_theta": 10000.0}),
    Case(
        "llama-untied-bf16-sharded",
        _without({**_LLAMA, **_shape(64, "2/2", 172, 131, tied=False)}, "num_key_value_heads", "tie_word_embeddings"),
        "BF16",
        shards=3,
        seed=1,
    ),
    Case(
        "llama-head64-llama3-rope",
        {
            **_LLAMA,
            **_shape(128, "2/1", 172, 101, tied=False),
            "rope_theta": 500000.0,
            "rope_scaling": _LLAMA3_ROPE,
        },
        "F16",
    ),
    Case(
        "llama-head8",
        {
            **_LLAMA,
            **_shape(48, "6/2", 100, 103, tied=True),
            "rope_parameters": {"rope_type": "default", "rope_theta": 50000.0},
        },
        seed=2,
    ),
    Case(
        "llama-head24-explicit",
        {
            **_LLAMA,
            **_shape(80, "4/2", 172, 149, tied=False),
            "head_dim": 24,
            "rope_parameters": {**_LLAMA3_ROPE, "rope_theta": 10000.0},
        },
        "BF16",
        seed=1,
    ),
    Case(
        "llama-linear-rope",
        {
            **_LLAMA,
            **_shape(80, "5/5", 172, 113, tied=True, layers=3),
            "rope_theta": 10000.0,
            "rope_scaling": {"type": "linear", "factor": 2.0},
        },
        shards=2,
        seed=4,
    ),
    Case(
        "llama-biases",
        {**_LLAMA, **_shape(64, "4/1", 172, 109, tied=False), "attention_bias": True, "mlp_bias": True},
        seed=8,
    ),
    Case(
        "mistral-window",
        {**_MISTRAL, **_shape(64, "4/2", 172, 127, tied=False), "sliding_window": WINDOW, "rope_theta": 10000.0},
    ),
    Case(
        "mistral-head40-f16-sharded",
        {**_MISTRAL, **_shape(80, "2/1", 172, 139, tied=False), "rope_theta": 1000000.0},
        "F16",
        shards=2,
    ),
    Case(
        "mistral-head32-explicit",
        {
            **_MISTRAL,
            **_shape(48, "4/4", 100, 151, tied=False),
            "head_dim": 32,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1000000.0},
        },
        "BF16",
    ),
    Case(
        "mistral-window-head24",
        {**_MISTRAL, **_shape(48, "2/2", 172, 107, tied=True), "sliding_window": WINDOW, "rope_theta": 10000.0},
        seed=4,
    ),
    Case(
        "qwen2-tied-bf16-window-off",
        {
            **_QWEN2,
            **_shape(48, "3/1", 172, 257, tied=True),
            "rope_theta": 1000000.0,
            "use_sliding_window": False,  # as Qwen2.5 publishes it: a window that does not apply
            "sliding_window": WINDOW,
            "max_window_layers": 1,
        },
        "BF16",
        seed=21,
    ),
    Case(
        "qwen2-f16-sharded",
        {
            **_QWEN2,
            **_shape(80, "5/1", 172, 163, tied=False),
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
        },
        "F16",
        shards=2,
        seed=3,
    ),
    Case("qwen2-head24", {**_QWEN2, **_shape(48, "2/2", 172, 137, tied=False), "rope_theta": 10000.0}, seed=1),
    Case("qwen2-head32", {**_QWEN2, **_shape(64, "2/1", 172, 167, tied=True), "rope_theta": 10000.0}, seed=3),
)


def case_named(name: str) -> Case:
    """Return the case called `name`."""
    return next(case for case in CASES if case.name == name)


def build_checkpoint(case: Case, folder: Path) -> Path:
    """Write the case's config.json, weights and tokenizer.json into `folder` (made when absent); return `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    vocab = case.config["vocab_size"]
    write_json(folder / "config.json", case.config)
    write_json(folder / "tokenizer.json", word_tokenizer(vocab))
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "</s>"})
    write_weights(folder, random_weights(case), case.dtype, case.shards)
    return folder


def random_weights(case: Case) -> Tensors:
    """Draw every tensor of the checkpoint, scaled so that logits have a standard deviation of about two.

    Layers add far more to the residual stream than the embedding does, or a tied head would only echo its input.
    """
    rng = np.random.default_rng([case.seed, 0])
    config = case.config
    hidden, vocab = config["hidden_size"], config["vocab_size"]
    tensors: Tensors = {"model.embed_tokens.weight": _normal(rng, (vocab, hidden), 2.0 / hidden**0.5)}
    for layer in range(config["num_hidden_layers"]):
        for name, shape in _layer_shapes(case).items():
            tensors[f"model.layers.{layer}.{name}"] = _drawn(rng, name, shape)
    tensors["model.norm.weight"] = _drawn(rng, "norm.weight", (hidden,))
    if not config.get("tie_word_embeddings", False):
        tensors["lm_head.weight"] = _normal(rng, (vocab, hidden), 2.0 / hidden**0.5)
    return tensors


def weights_digest(tensors: Tensors) -> str:
    """Return the SHA-256 over all tensors as drawn: tells a changed random stream from a changed forward pass."""
    digest = hashlib.sha256()
    for name, values in tensors.items():
        digest.update(name.encode() + encode_tensor(values, "F32"))
    return digest.hexdigest()


def _layer_shapes(case: Case) -> dict[str, tuple[int, ...]]:
    config = case.config
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    query = config["num_attention_heads"] * case.head_size
    kv = config.get("num_key_value_heads", config["num_attention_heads"]) * case.head_size
    shapes: dict[str, tuple[int, ...]] = {
        "input_layernorm.weight": (hidden,),
        "self_attn.q_proj.weight": (query, hidden),
        "self_attn.k_proj.weight": (kv, hidden),
        "self_attn.v_proj.weight": (kv, hidden),
        "self_attn.o_proj.weight": (hidden, query),
        "post_attention_layernorm.weight": (hidden,),
        "mlp.gate_proj.weight": (inner, hidden),
        "mlp.up_proj.weight": (inner, hidden),
        "mlp.down_proj.weight": (hidden, inner),
    }
    biases = {f"{name}.bias": shapes[f"{name}.weight"][:1] for name in _biased(config)}
    return {**shapes, **biases}


def _biased(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the projections with a bias: three in Qwen2, those the two flags name in a Llama."""
    attention = tuple(f"self_attn.{which}_proj" for which in "qkvo")
    if config["model_type"] == "qwen2":
        return attention[:3]
    mlp = tuple(f"mlp.{which}_proj" for which in ("gate", "up", "down"))
    return (attention if config.get("attention_bias") else ()) + (mlp if config.get("mlp_bias") else ())


def _drawn(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    if name.endswith("norm.weight"):
        return rng.uniform(0.7, 1.3, shape).astype(np.float32)
    if name.endswith(".bias"):
        return _normal(rng, shape, 0.3)
    return _normal(rng, shape, 1.2 / shape[1] ** 0.5)


def _normal(rng: np.random.Generator, shape: tuple[int, ...], deviation: float) -> NDArray[np.float32]:
    return (rng.standard_normal(shape) * deviation).astype(np.float32)
