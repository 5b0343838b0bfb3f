"""Llama, and the families that are a Llama with one thing changed: SmolLM3, OLMo-2, Granite, Falcon-3."""

from __future__ import annotations

from typing import Any

from support.cases.case import Case, dimensions, rope, without

_LLAMA: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "rms_norm_eps": 1e-5,
    "hidden_act": "silu",
}
_SMOLLM3 = {**_LLAMA, "architectures": ["SmolLM3ForCausalLM"], "model_type": "smollm3", "pad_token_id": 2}
_OLMO2 = {**_LLAMA, "architectures": ["Olmo2ForCausalLM"], "model_type": "olmo2", "pad_token_id": 1}
_GRANITE = {**_LLAMA, "architectures": ["GraniteForCausalLM"], "model_type": "granite"}

_LLAMA3_ROPE = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,  # shorter than the prompt, so the scaling bites
}

LLAMA_CASES = (
    Case("llama-tied-f32", {**_LLAMA, **dimensions(64, "4/2", 172, 97, tied=True), "rope_theta": 10000.0}),
    Case(
        "llama-untied-bf16-sharded",
        without(
            {**_LLAMA, **dimensions(64, "2/2", 172, 131, tied=False)}, "num_key_value_heads", "tie_word_embeddings"
        ),
        "BF16",
        shards=3,
        seed=1,
    ),
    Case(
        "llama-head64-llama3-rope",
        {
            **_LLAMA,
            **dimensions(128, "2/1", 172, 101, tied=False),
            "rope_theta": 500000.0,
            "rope_scaling": _LLAMA3_ROPE,
        },
        "F16",
    ),
    Case("llama-head8", {**_LLAMA, **dimensions(48, "6/2", 100, 103, tied=True), **rope(50000.0)}, seed=1),
    Case(
        "llama-head24-explicit",
        {
            **_LLAMA,
            **dimensions(80, "4/2", 172, 149, tied=False),
            "head_dim": 24,
            **rope(10000.0, **_LLAMA3_ROPE),
        },
        "BF16",
        seed=1,
    ),
    Case(
        "llama-linear-rope",
        {
            **_LLAMA,
            **dimensions(80, "5/5", 172, 113, tied=True, layers=3),
            "rope_theta": 10000.0,
            "rope_scaling": {"type": "linear", "factor": 2.0},
        },
        shards=2,
        seed=1,
    ),
    Case(
        "llama-biases",
        {**_LLAMA, **dimensions(64, "4/1", 172, 109, tied=False), "attention_bias": True, "mlp_bias": True},
        seed=3,
    ),
    Case(
        "falcon3-head256",
        {**_LLAMA, **dimensions(64, "2/1", 100, 83, tied=False), "head_dim": 256, "rope_theta": 1000042},
        "BF16",
    ),
    Case(
        "smollm3-nope-interval",
        {
            **_SMOLLM3,
            **dimensions(48, "3/1", 100, 89, tied=True, layers=4),
            "rope_theta": 5000000.0,
            "rope_scaling": None,
            "no_rope_layer_interval": 4,
        },
        seed=2,
    ),
    Case(
        "smollm3-nope-listed",
        {
            **_SMOLLM3,
            **without(dimensions(64, "2/1", 100, 71, tied=True, layers=3), "tie_word_embeddings"),
            "no_rope_layers": [0, 1, 0],
            **rope(10000.0),
        },
        "BF16",
    ),
    Case("olmo2", {**_OLMO2, **dimensions(64, "4/4", 100, 79, tied=False), "rope_theta": 500000.0}, seed=1),
    Case(
        "olmo2-shared-heads",
        {**_OLMO2, **dimensions(48, "4/2", 100, 73, tied=True), "head_dim": 24, **rope(10000.0)},
        "BF16",
        seed=5,
    ),
    Case(
        "granite",
        {
            **_GRANITE,
            **dimensions(64, "4/2", 100, 101, tied=True),
            "rope_theta": 10000.0,
            "rope_scaling": None,
            "attention_bias": False,
            "embedding_multiplier": 0.6,
            "attention_multiplier": 0.11,
            "residual_multiplier": 0.7,
            "logits_scaling": 0.5,
        },
        seed=3,
    ),
    Case(
        "granite-biases",
        {
            **_GRANITE,
            **dimensions(48, "2/1", 100, 67, tied=False),
            "attention_bias": True,
            "mlp_bias": True,
            "embedding_multiplier": 0.4,
            "attention_multiplier": 0.3,
            "residual_multiplier": 0.5,
            "logits_scaling": 2.0,
            **rope(100000.0),
        },
        "F16",
        shards=2,
    ),
)
