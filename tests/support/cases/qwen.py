"""Qwen1.5, 2 and 2.5 with a bias on query, key and value; Qwen3 with norms on query and key instead."""

from __future__ import annotations

from typing import Any

from support.cases.case import WINDOW, Case, dimensions, rope

_QWEN2: dict[str, Any] = {
    "architectures": ["Qwen2ForCausalLM"],
    "model_type": "qwen2",
    "rms_norm_eps": 1e-6,
    "hidden_act": "silu",
}
_QWEN3 = {**_QWEN2, "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3"}

QWEN_CASES = (
    Case(
        "qwen2-tied-bf16-window-off",
        {
            **_QWEN2,
            **dimensions(48, "3/1", 172, 257, tied=True),
            "rope_theta": 1000000.0,
            "use_sliding_window": False,  # as Qwen2.5 publishes it: a window that does not apply
            "sliding_window": WINDOW,
            "max_window_layers": 1,
        },
        "BF16",
    ),
    Case(
        "qwen2-f16-sharded",
        {**_QWEN2, **dimensions(80, "5/1", 172, 163, tied=False), **rope(10000.0)},
        "F16",
        shards=2,
        seed=1,
    ),
    Case("qwen2-head24", {**_QWEN2, **dimensions(48, "2/2", 172, 137, tied=False), "rope_theta": 10000.0}),
    Case("qwen2-head32", {**_QWEN2, **dimensions(64, "2/1", 172, 167, tied=True), "rope_theta": 10000.0}, seed=2),
    Case(
        "qwen2-window-on",
        {
            **_QWEN2,
            **dimensions(64, "4/4", 100, 73, tied=False, layers=3),
            "rope_theta": 1000000.0,
            "use_sliding_window": True,
            "sliding_window": WINDOW,
            "max_window_layers": 1,
        },
        seed=4,
    ),
    Case(
        "qwen3-tied",
        {
            **_QWEN3,
            **dimensions(64, "4/2", 100, 103, tied=True),
            "head_dim": 32,
            "attention_bias": False,
            "rope_theta": 1000000,
            "rope_scaling": None,
        },
        "BF16",
        seed=2,
    ),
    Case(
        "qwen3-bias-window",
        {
            **_QWEN3,
            **dimensions(48, "4/1", 100, 79, tied=False),
            "head_dim": 24,
            "attention_bias": True,
            "use_sliding_window": True,
            "sliding_window": WINDOW,
            "layer_types": ["full_attention", "sliding_attention"],
            **rope(10000.0),
        },
        "F16",
        seed=5,
    ),
)
