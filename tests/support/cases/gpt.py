"""The families before Llama: GPT-2, GPT-NeoX, OPT and BLOOM, each with positions of its own kind."""

from __future__ import annotations

from typing import Any

from support.cases.case import Case, dimensions, rope, without

_GPT2: dict[str, Any] = {
    "architectures": ["GPT2LMHeadModel"],
    "model_type": "gpt2",
    "activation_function": "gelu_new",
    "layer_norm_epsilon": 1e-5,
    "n_positions": 128,
    "n_ctx": 128,
    "bos_token_id": 2,
    "eos_token_id": 2,
}
_NEOX: dict[str, Any] = {
    "architectures": ["GPTNeoXForCausalLM"],
    "model_type": "gpt_neox",
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-5,
}
_OPT: dict[str, Any] = {
    "architectures": ["OPTForCausalLM"],
    "model_type": "opt",
    "activation_function": "relu",
    "do_layer_norm_before": True,
    "max_position_embeddings": 128,
    "num_hidden_layers": 2,
    "bos_token_id": 2,
    "eos_token_id": 2,
    "pad_token_id": 1,
}
_BLOOM: dict[str, Any] = {
    "architectures": ["BloomForCausalLM"],
    "model_type": "bloom",
    "layer_norm_epsilon": 1e-5,
    "apply_residual_connection_post_layernorm": False,
    "bos_token_id": 1,
    "eos_token_id": 2,
}


def _neox_shape(hidden: int, heads: int, intermediate: int, vocab: int) -> dict[str, Any]:
    return without(dimensions(hidden, f"{heads}/{heads}", intermediate, vocab, tied=False), "num_key_value_heads")


GPT_CASES = (
    Case("gpt2", {**_GPT2, "n_embd": 64, "n_head": 4, "n_layer": 2, "vocab_size": 97}, bare=True, seed=46),
    Case(
        "gpt2-inner-f16",
        {**_GPT2, "n_embd": 48, "n_head": 2, "n_layer": 3, "n_inner": 100, "vocab_size": 71},
        "F16",
        shards=2,
        seed=5,
    ),
    Case(
        "gpt-neox",
        {
            **_NEOX,
            **_neox_shape(64, 2, 100, 89),
            "rotary_pct": 0.25,
            "rotary_emb_base": 10000,
            "use_parallel_residual": True,
        },
        "F16",
        seed=19,
    ),
    Case(
        "gpt-neox-in-turn",
        {
            **_NEOX,
            **_neox_shape(48, 2, 112, 73),
            "use_parallel_residual": False,
            **rope(20000.0, partial_rotary_factor=1.0),
        },
        shards=2,
        seed=21,
    ),
    Case(
        "opt",
        {
            **_OPT,
            "hidden_size": 64,
            "num_attention_heads": 4,
            "ffn_dim": 100,
            "vocab_size": 97,
            "word_embed_proj_dim": 64,
        },
        "F16",
        seed=31,
    ),
    Case(
        "opt-head24", {**_OPT, "hidden_size": 48, "num_attention_heads": 2, "ffn_dim": 112, "vocab_size": 67}, seed=80
    ),
    Case(
        "bloom", {**_BLOOM, "hidden_size": 64, "n_head": 4, "n_layer": 2, "vocab_size": 101}, "BF16", bare=True, seed=1
    ),
    Case("bloom-6-heads", {**_BLOOM, "hidden_size": 48, "n_head": 6, "n_layer": 3, "vocab_size": 71}, "F16", seed=1),
)
