"""The tensors of a checkpoint as each family stores them: names and shapes from config.json alone.

Written from the layouts that `transformers` saves (references/make.py fails on a name too many or too few), and not
from `edgeslm_exporters`: tests compare the exporter's decoder specs with these. Matrices are [outputs, inputs], but
[inputs, outputs] in GPT-2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Config = Mapping[str, Any]
    Shapes = dict[str, tuple[int, ...]]

TIED_BY_DEFAULT = ("smollm3", "gemma", "gemma2", "gemma3_text", "gpt2", "opt", "bloom")


def tensor_shapes(config: Config) -> Shapes:
    """Return name -> shape of every tensor that a checkpoint with this config.json holds, in the order of use.

    A tied head is left out, as `transformers` leaves it out.
    """
    return _FAMILIES.get(config["model_type"], _llama_like)(config)


def tied(config: Config) -> bool:
    """Whether the head is the embedding's table."""
    return bool(config.get("tie_word_embeddings", config["model_type"] in TIED_BY_DEFAULT))


def head_size(config: Config) -> int:
    """Width of one attention head, explicit or implied."""
    implied = (
        config.get(width, 0) // config[heads]
        for width, heads in (("hidden_size", "num_attention_heads"), ("n_embd", "n_head"), ("hidden_size", "n_head"))
        if heads in config
    )
    return int(config.get("head_dim") or max(implied))


def kv_heads(config: Config) -> int:
    """Heads of keys (and of values): as many as there are query heads unless the config says otherwise."""
    return int(config.get("num_key_value_heads") or config.get("num_attention_heads") or config["n_head"])


def layer_count(config: Config) -> int:
    """How many decoder layers there are."""
    return int(config.get("num_hidden_layers") or config["n_layer"])


def _llama_like(config: Config) -> Shapes:
    """Llama, and the families that keep its names."""
    hidden, vocab = config["hidden_size"], config["vocab_size"]
    shapes: Shapes = {"model.embed_tokens.weight": (vocab, hidden)}
    layer = _layer_of_llama(config)
    for index in range(layer_count(config)):
        shapes |= {f"model.layers.{index}.{name}": shape for name, shape in layer.items()}
    final = "model.final_layernorm" if config["model_type"] == "phi" else "model.norm"
    shapes |= _norm(config, final)
    if not tied(config):
        shapes["lm_head.weight"] = (vocab, hidden)
    if config["model_type"] == "phi":
        shapes["lm_head.bias"] = (vocab,)
    return shapes


def _layer_of_llama(config: Config) -> Shapes:
    before, within, after = _norm_names(config)
    return {
        **_all_norms(config, before),
        **_attention(config),
        **_query_key_norms(config),
        **_all_norms(config, within),
        **_mlp(config),
        **_all_norms(config, after),
    }


def _norm_names(config: Config) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Names of the norms before attention, between it and the MLP, and after the MLP."""
    match config["model_type"]:
        case "gemma2" | "gemma3_text":
            within = ("post_attention_layernorm", "pre_feedforward_layernorm")
            return ("input_layernorm",), within, ("post_feedforward_layernorm",)
        case "olmo2":
            return (), ("post_attention_layernorm",), ("post_feedforward_layernorm",)
        case "phi":
            return ("input_layernorm",), (), ()
        case "stablelm" if config.get("use_parallel_residual"):
            return ("input_layernorm",), (), ()
    return ("input_layernorm",), ("post_attention_layernorm",), ()


def _all_norms(config: Config, names: tuple[str, ...]) -> Shapes:
    return {name: shape for norm in names for name, shape in _norm(config, norm).items()}


def _norm(config: Config, name: str) -> Shapes:
    biased = config["model_type"] in ("phi", "stablelm")
    return _vectors(name, config["hidden_size"], biased=biased)


def _vectors(name: str, size: int, *, biased: bool = True) -> Shapes:
    return {f"{name}.weight": (size,), **({f"{name}.bias": (size,)} if biased else {})}


def _linear(name: str, outputs: int, inputs: int, *, biased: bool = True) -> Shapes:
    return {f"{name}.weight": (outputs, inputs), **({f"{name}.bias": (outputs,)} if biased else {})}


def _attention(config: Config) -> Shapes:
    hidden, width = config["hidden_size"], head_size(config)
    query, kv = config["num_attention_heads"] * width, kv_heads(config) * width
    if config["model_type"] == "phi3":
        packed = _linear("self_attn.qkv_proj", query + 2 * kv, hidden, biased=False)
        return packed | _linear("self_attn.o_proj", hidden, query, biased=False)
    into, out = _attention_biases(config)
    output = "dense" if config["model_type"] == "phi" else "o_proj"
    return {
        **_linear("self_attn.q_proj", query, hidden, biased=into),
        **_linear("self_attn.k_proj", kv, hidden, biased=into),
        **_linear("self_attn.v_proj", kv, hidden, biased=into),
        **_linear(f"self_attn.{output}", hidden, query, biased=out),
    }


def _attention_biases(config: Config) -> tuple[bool, bool]:
    """Whether query, key and value have a bias, and whether the output has one."""
    match config["model_type"]:
        case "qwen2":
            return True, False
        case "phi":
            return True, True
        case "stablelm":
            return bool(config.get("use_qkv_bias")), False
    return (bool(config.get("attention_bias")),) * 2


def _query_key_norms(config: Config) -> Shapes:
    width, heads, shared = head_size(config), config["num_attention_heads"], kv_heads(config)
    match config["model_type"]:
        case "qwen3" | "gemma3_text":
            return {"self_attn.q_norm.weight": (width,), "self_attn.k_norm.weight": (width,)}
        case "phi" if config.get("qk_layernorm"):
            return _vectors("self_attn.q_layernorm", width) | _vectors("self_attn.k_layernorm", width)
        case "olmo2":
            return {"self_attn.q_norm.weight": (heads * width,), "self_attn.k_norm.weight": (shared * width,)}
        case "stablelm" if config.get("qk_layernorm"):
            counts = (("q", heads), ("k", shared))
            names = [f"self_attn.{which}_layernorm.norms.{head}" for which, count in counts for head in range(count)]
            return {f"{name}.weight": (width,) for name in names}
    return {}


def _mlp(config: Config) -> Shapes:
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    biased = bool(config.get("mlp_bias"))
    match config["model_type"]:
        case "mixtral":
            return _experts(config)
        case "phi":
            return _linear("mlp.fc1", inner, hidden) | _linear("mlp.fc2", hidden, inner)
        case "phi3":
            packed = _linear("mlp.gate_up_proj", 2 * inner, hidden, biased=False)
            return packed | _linear("mlp.down_proj", hidden, inner, biased=False)
    return {
        **_linear("mlp.gate_proj", inner, hidden, biased=biased),
        **_linear("mlp.up_proj", inner, hidden, biased=biased),
        **_linear("mlp.down_proj", hidden, inner, biased=biased),
    }


def _experts(config: Config) -> Shapes:
    hidden, inner, count = config["hidden_size"], config["intermediate_size"], config["num_local_experts"]
    shapes: Shapes = {"block_sparse_moe.gate.weight": (count, hidden)}
    for expert in range(count):
        name = f"block_sparse_moe.experts.{expert}"
        shapes |= {f"{name}.w1.weight": (inner, hidden), f"{name}.w3.weight": (inner, hidden)}
        shapes[f"{name}.w2.weight"] = (hidden, inner)
    return shapes


def _gpt2(config: Config) -> Shapes:
    hidden = config["n_embd"]
    inner = config.get("n_inner") or 4 * hidden
    shapes: Shapes = {
        "transformer.wte.weight": (config["vocab_size"], hidden),
        "transformer.wpe.weight": (config["n_positions"], hidden),
    }
    for index in range(config["n_layer"]):
        name = f"transformer.h.{index}"
        shapes |= _vectors(f"{name}.ln_1", hidden)
        shapes |= _turned(f"{name}.attn.c_attn", hidden, 3 * hidden) | _turned(f"{name}.attn.c_proj", hidden, hidden)
        shapes |= _vectors(f"{name}.ln_2", hidden)
        shapes |= _turned(f"{name}.mlp.c_fc", hidden, inner) | _turned(f"{name}.mlp.c_proj", inner, hidden)
    return shapes | _vectors("transformer.ln_f", hidden)


def _turned(name: str, inputs: int, outputs: int) -> Shapes:
    return {f"{name}.weight": (inputs, outputs), f"{name}.bias": (outputs,)}


def _gpt_neox(config: Config) -> Shapes:
    hidden, inner, vocab = config["hidden_size"], config["intermediate_size"], config["vocab_size"]
    biased = config.get("attention_bias", True)
    shapes: Shapes = {"gpt_neox.embed_in.weight": (vocab, hidden)}
    for index in range(config["num_hidden_layers"]):
        name = f"gpt_neox.layers.{index}"
        shapes |= _vectors(f"{name}.input_layernorm", hidden) | _vectors(f"{name}.post_attention_layernorm", hidden)
        shapes |= _linear(f"{name}.attention.query_key_value", 3 * hidden, hidden, biased=biased)
        shapes |= _linear(f"{name}.attention.dense", hidden, hidden, biased=biased)
        shapes |= _linear(f"{name}.mlp.dense_h_to_4h", inner, hidden)
        shapes |= _linear(f"{name}.mlp.dense_4h_to_h", hidden, inner)
    shapes |= _vectors("gpt_neox.final_layer_norm", hidden)
    return shapes if tied(config) else {**shapes, "embed_out.weight": (vocab, hidden)}


def _opt(config: Config) -> Shapes:
    hidden, inner = config["hidden_size"], config["ffn_dim"]
    narrow = config.get("word_embed_proj_dim", hidden)
    shapes: Shapes = {
        "model.decoder.embed_tokens.weight": (config["vocab_size"], narrow),
        "model.decoder.embed_positions.weight": (config["max_position_embeddings"] + 2, hidden),
    }
    if narrow != hidden:
        shapes |= _linear("model.decoder.project_in", hidden, narrow, biased=False)
        shapes |= _linear("model.decoder.project_out", narrow, hidden, biased=False)
    for index in range(config["num_hidden_layers"]):
        name = f"model.decoder.layers.{index}"
        shapes |= _vectors(f"{name}.self_attn_layer_norm", hidden)
        for which in ("q_proj", "k_proj", "v_proj", "out_proj"):
            shapes |= _linear(f"{name}.self_attn.{which}", hidden, hidden)
        shapes |= _vectors(f"{name}.final_layer_norm", hidden)
        shapes |= _linear(f"{name}.fc1", inner, hidden) | _linear(f"{name}.fc2", hidden, inner)
    if config.get("do_layer_norm_before", True):
        shapes |= _vectors("model.decoder.final_layer_norm", hidden)
    return shapes


def _bloom(config: Config) -> Shapes:
    hidden = config["hidden_size"]
    shapes: Shapes = {"transformer.word_embeddings.weight": (config["vocab_size"], hidden)}
    shapes |= _vectors("transformer.word_embeddings_layernorm", hidden)
    for index in range(config["n_layer"]):
        name = f"transformer.h.{index}"
        shapes |= _vectors(f"{name}.input_layernorm", hidden)
        shapes |= _linear(f"{name}.self_attention.query_key_value", 3 * hidden, hidden)
        shapes |= _linear(f"{name}.self_attention.dense", hidden, hidden)
        shapes |= _vectors(f"{name}.post_attention_layernorm", hidden)
        shapes |= _linear(f"{name}.mlp.dense_h_to_4h", 4 * hidden, hidden)
        shapes |= _linear(f"{name}.mlp.dense_4h_to_h", hidden, 4 * hidden)
    return shapes | _vectors("transformer.ln_f", hidden)


_FAMILIES: dict[str, Callable[[Config], Shapes]] = {"gpt2": _gpt2, "gpt_neox": _gpt_neox, "opt": _opt, "bloom": _bloom}
