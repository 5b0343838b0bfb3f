"""Phi-1 to Phi-2 (parallel block, biases, partial rotary), Phi-3 to 4 (packed tensors, longrope) and StableLM."""

from __future__ import annotations

from typing import Any

import numpy as np

from support.cases.case import WINDOW, Case, dimensions, rope, without

_PHI: dict[str, Any] = {
    "architectures": ["PhiForCausalLM"],
    "model_type": "phi",
    "layer_norm_eps": 1e-5,
    "hidden_act": "gelu_new",
    "qk_layernorm": False,
}
_PHI3 = {
    "architectures": ["Phi3ForCausalLM"],
    "model_type": "phi3",
    "rms_norm_eps": 1e-5,
    "hidden_act": "silu",
    "pad_token_id": 0,
}
_STABLELM = {**without(_PHI, "qk_layernorm"), "architectures": ["StableLmForCausalLM"], "model_type": "stablelm"}
_STABLELM["hidden_act"] = "silu"


def _longrope(rotary: int) -> dict[str, Any]:
    """Return factors that grow with the wavelength, as the published ones do, for `rotary` rotated numbers a head."""
    ramp = np.linspace(0.0, 1.0, rotary // 2)
    return {
        "type": "longrope",
        "short_factor": [round(float(value), 3) for value in 1.0 + 0.7 * ramp],
        "long_factor": [round(float(value), 3) for value in 1.1 + 12.0 * ramp**2],
    }


PHI_CASES = (
    Case(
        "phi-half-rotary",
        {
            **_PHI,
            **without(dimensions(64, "2/2", 100, 83, tied=False), "num_key_value_heads"),
            "num_key_value_heads": None,  # as Phi-1.5 and 2 publish it
            "partial_rotary_factor": 0.5,
            "rope_theta": 10000.0,
            "rope_scaling": None,
        },
        "F16",
    ),
    Case(
        "phi-head40",
        {**_PHI, **dimensions(80, "2/2", 100, 71, tied=False), **rope(10000.0, partial_rotary_factor=0.4)},
        seed=12,
    ),
    Case(
        "phi-shared-heads",
        {
            **_PHI,
            **dimensions(96, "4/2", 112, 61, tied=False),
            "qk_layernorm": True,
            **rope(5000.0, partial_rotary_factor=1.0),
        },
        seed=19,
    ),
    Case(
        "phi3-window",
        {
            **_PHI3,
            **dimensions(64, "2/2", 100, 89, tied=False),
            "sliding_window": WINDOW - 1,
            "original_max_position_embeddings": 128,
            "rope_theta": 10000.0,
            "rope_scaling": None,
        },
        "BF16",
        seed=1,
    ),
    Case(
        "phi3-longrope-short",
        {
            **_PHI3,
            **dimensions(64, "4/4", 100, 79, tied=False),
            "sliding_window": 1000,
            "max_position_embeddings": 1024,
            "original_max_position_embeddings": 128,  # longer than prompt and answer: the short factors hold
            "rope_theta": 10000.0,
            "rope_scaling": _longrope(16),
        },
        "BF16",
    ),
    Case(
        "phi3-longrope-long",
        {
            **_PHI3,
            **dimensions(64, "2/1", 100, 73, tied=False),
            "max_position_embeddings": 1024,
            "original_max_position_embeddings": 32,  # shorter than the prompt: the long factors hold
            **rope(10000.0, **_longrope(32), rope_type="longrope", original_max_position_embeddings=32),
        },
        shards=2,
        seed=1,
    ),
    Case(
        "phi3-longrope-partial",
        {
            **_PHI3,
            **dimensions(96, "3/1", 100, 67, tied=True),
            "max_position_embeddings": 512,
            "original_max_position_embeddings": 32,
            "partial_rotary_factor": 0.75,
            "rope_theta": 10000.0,
            "rope_scaling": _longrope(24),
        },
        "F16",
    ),
    Case(
        "stablelm",
        {
            **_STABLELM,
            **dimensions(64, "2/2", 100, 97, tied=False),
            "partial_rotary_factor": 0.25,
            "rope_theta": 10000,
            "use_qkv_bias": False,
        },
        "BF16",
    ),
    Case(
        "stablelm-2",
        {
            **_STABLELM,
            **dimensions(128, "2/2", 100, 71, tied=False),
            "partial_rotary_factor": 0.25,
            "rope_theta": 10000,
            "rope_scaling": None,
            "use_qkv_bias": True,
            "qk_layernorm": False,
            "use_parallel_residual": False,
        },
        "F16",
        seed=7,
    ),
    Case(
        "stablelm-2-parallel",
        {
            **_STABLELM,
            **dimensions(96, "4/2", 112, 83, tied=False),
            "use_qkv_bias": False,
            "qk_layernorm": True,
            "use_parallel_residual": True,
            **rope(10000.0, partial_rotary_factor=0.5),
        },
        seed=2,
    ),
)
