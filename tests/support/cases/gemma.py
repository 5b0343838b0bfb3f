"""Gemma 1, 2 and 3: norms of 1 + w, a scaled embedding, soft caps, windows that alternate with full attention."""

from __future__ import annotations

from typing import Any

from support.cases.case import WINDOW, Case, dimensions, rope, without

_GEMMA: dict[str, Any] = {
    "architectures": ["GemmaForCausalLM"],
    "model_type": "gemma",
    "rms_norm_eps": 1e-6,
    "attention_bias": False,
}
_GEMMA2 = {
    **_GEMMA,
    "architectures": ["Gemma2ForCausalLM"],
    "model_type": "gemma2",
    "hidden_activation": "gelu_pytorch_tanh",
    "sliding_window": WINDOW,
}
_GEMMA3 = {**_GEMMA2, "architectures": ["Gemma3ForCausalLM"], "model_type": "gemma3_text"}


def _shape(hidden: int, heads: str, intermediate: int, vocab: int, **more: int) -> dict[str, Any]:
    """Leave tie_word_embeddings to its default, as the published configs do."""
    return without(dimensions(hidden, heads, intermediate, vocab, tied=True, **more), "tie_word_embeddings")


GEMMA_CASES = (
    Case(
        "gemma",
        {
            **_GEMMA,
            **_shape(64, "4/1", 112, 101),
            "head_dim": 32,
            "hidden_act": "gelu",  # what Gemma publishes, and what means the tanh approximation all the same
            "rope_theta": 10000.0,
            "rope_scaling": None,
        },
        "BF16",
        seed=7,
    ),
    Case(
        "gemma-head24",
        {**_GEMMA, **_shape(48, "2/2", 100, 71), "head_dim": 24, "hidden_act": "gelu_pytorch_tanh", **rope(10000.0)},
        seed=3,
    ),
    Case(
        "gemma2",
        {
            **_GEMMA2,
            **_shape(64, "4/2", 112, 89),
            "head_dim": 32,
            "query_pre_attn_scalar": 24,
            "attn_logit_softcapping": 2.0,  # so low that leaving the caps out would show
            "final_logit_softcapping": 5.0,
            "rope_theta": 10000.0,
        },
        "BF16",
        shards=2,
        seed=7,
    ),
    Case(
        "gemma2-listed-layers",
        {
            **_GEMMA2,
            **_shape(48, "2/1", 100, 67, layers=3),
            "head_dim": 40,
            "query_pre_attn_scalar": 40,
            "attn_logit_softcapping": None,
            "final_logit_softcapping": None,
            "layer_types": ["full_attention", "sliding_attention", "sliding_attention"],
            **rope(50000.0),
        },
        seed=9,
    ),
    Case(
        "gemma3-pattern",
        {
            **_GEMMA3,
            **_shape(64, "4/1", 112, 97, layers=4),
            "head_dim": 32,
            "query_pre_attn_scalar": 32,
            "attn_logit_softcapping": None,
            "final_logit_softcapping": None,
            "rope_theta": 1000000,
            "rope_local_base_freq": 10000,
            "rope_scaling": None,
            "sliding_window_pattern": 3,
        },
        "BF16",
    ),
    Case(
        "gemma3-listed-layers",
        {
            **_GEMMA3,
            **_shape(48, "2/1", 100, 73, layers=3),
            "head_dim": 24,
            "query_pre_attn_scalar": 20,
            "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
            "rope_parameters": {
                "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
                "full_attention": {"rope_type": "linear", "rope_theta": 1000000.0, "factor": 8.0},
            },
        },
        "F16",
        seed=1,
    ),
)
