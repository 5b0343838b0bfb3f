"""Mistral with its sliding window, and Mixtral with its experts."""

from __future__ import annotations

from typing import Any

from support.cases.case import WINDOW, Case, dimensions, rope

_MISTRAL: dict[str, Any] = {
    "architectures": ["MistralForCausalLM"],
    "model_type": "mistral",
    "rms_norm_eps": 1e-5,
    "hidden_act": "silu",
    "sliding_window": None,
}
_MIXTRAL = {**_MISTRAL, "architectures": ["MixtralForCausalLM"], "model_type": "mixtral", "num_experts_per_tok": 2}

MISTRAL_CASES = (
    Case(
        "mistral-window",
        {**_MISTRAL, **dimensions(64, "4/2", 172, 127, tied=False), "sliding_window": WINDOW, "rope_theta": 10000.0},
        seed=1,
    ),
    Case(
        "mistral-head40-f16-sharded",
        {**_MISTRAL, **dimensions(80, "2/1", 172, 139, tied=False), "rope_theta": 1000000.0},
        "F16",
        shards=2,
        seed=3,
    ),
    Case(
        "mistral-head32-explicit",
        {**_MISTRAL, **dimensions(48, "4/4", 100, 151, tied=False), "head_dim": 32, **rope(1000000.0)},
        "BF16",
        seed=2,
    ),
    Case(
        "mistral-window-head24",
        {**_MISTRAL, **dimensions(48, "2/2", 172, 107, tied=True), "sliding_window": WINDOW, "rope_theta": 10000.0},
    ),
    Case(
        "mixtral",
        {**_MIXTRAL, **dimensions(64, "4/2", 96, 97, tied=False), "num_local_experts": 4, "rope_theta": 1000000.0},
        "BF16",
        shards=2,
        seed=4,
    ),
    Case(
        "mixtral-window-odd",
        {
            **_MIXTRAL,
            **dimensions(48, "2/1", 72, 61, tied=False),
            "num_local_experts": 3,
            "sliding_window": WINDOW,
            "head_dim": 40,
            **rope(10000.0),
        },
        "F16",
    ),
)
