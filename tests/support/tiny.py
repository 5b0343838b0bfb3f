"""A Llama-type decoder in thirty lines of numpy, and the small conversions that exporter tests are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edgeslm_exporters.architectures import describe
from edgeslm_exporters.checkpoint import open_checkpoint
from edgeslm_exporters.decoder_spec import Mlp
from edgeslm_exporters.export import convert
from edgeslm_exporters.recipe import parse_recipe
from edgeslm_exporters.rotary import rotary_tables
from support.checkpoints import Case, build_checkpoint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from edgeslm_exporters.checkpoint import Checkpoint
    from edgeslm_exporters.decoder_spec import Attention, DecoderSpec, Norm
    from edgeslm_exporters.export import Artifact

    Weights = Mapping[str, NDArray[np.float32]]

CONTEXT = 64


def tiny_case(**changes: object) -> Case:
    """Return a small untied Llama with some keys of its config replaced."""
    config = {
        "model_type": "llama",
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": 172,
        "vocab_size": 97,
        "max_position_embeddings": 128,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "tie_word_embeddings": False,
        "hidden_act": "silu",
    }
    return Case("tiny", config | changes)


def tiny_checkpoint(folder: Path, case: Case | None = None) -> Checkpoint:
    """Build a case (the plain tiny one when left out) and open it."""
    return open_checkpoint(build_checkpoint(case or tiny_case(), folder))


def converted(
    checkpoint: Checkpoint,
    recipe: str,
    out: Path,
    context: int = CONTEXT,
    calibration: Sequence[Sequence[int]] = (),
) -> Artifact:
    """Convert into a fresh folder `out`."""
    out.mkdir(parents=True)
    return convert(checkpoint, parse_recipe(recipe), context, out, calibration=calibration)


def weights_of(checkpoint: Checkpoint) -> dict[str, NDArray[np.float32]]:
    """Read every tensor the decoder needs."""
    shapes = describe(checkpoint.config, checkpoint.shapes).tensors()
    return {name: checkpoint.rows(name, 0, shape[0] if len(shape) == 2 else 1) for name, shape in shapes.items()}


def reference_logits(spec: DecoderSpec, weights: Weights, tokens: Sequence[int]) -> NDArray[np.float32]:
    """Return the logits [len, vocab] of plain full attention in float32."""
    hidden = weights["model.embed_tokens.weight"][list(tokens)]
    for index in range(spec.layers):
        layer = spec.stack[index]
        assert isinstance(layer.mlp, Mlp)
        packed = _product(weights, layer.attention.qkv.parts, _norm(weights, layer.attention_norm, hidden))
        hidden = hidden + _product(weights, layer.attention.output.parts, _attention(spec, packed, layer.attention))
        packed = _product(weights, layer.mlp.up.parts, _norm(weights, layer.mlp_norm, hidden))
        gate, up = np.split(packed, 2, axis=-1)
        hidden = hidden + _product(weights, layer.mlp.down.parts, gate / (1 + np.exp(-gate)) * up)
    return _product(weights, spec.head.parts, _norm(weights, spec.final_norm, hidden))


def _norm(weights: Weights, norm: Norm | None, values: NDArray[np.float32]) -> NDArray[np.float32]:
    assert norm is not None
    root = np.sqrt((values**2).mean(-1, keepdims=True) + np.float32(norm.epsilon))
    scaled: NDArray[np.float32] = values / root * weights[norm.weight]
    return scaled


def _product(weights: Weights, parts: Sequence[Any], values: NDArray[np.float32]) -> NDArray[np.float32]:
    outputs = [values @ weights[part.weight].T + (weights[part.bias] if part.bias else 0) for part in parts]
    joined: NDArray[np.float32] = np.concatenate(outputs, axis=-1).astype(np.float32)
    return joined


def _attention(spec: DecoderSpec, packed: NDArray[np.float32], parts: Attention) -> NDArray[np.float32]:
    length = len(packed)
    query, key, value = np.split(packed, [spec.query_size, spec.query_size + spec.kv_size], axis=-1)
    query, key = (_rotated(parts, heads.reshape(length, -1, spec.head_size)) for heads in (query, key))
    key, value = (
        heads.reshape(length, spec.kv_heads, spec.head_size).repeat(spec.heads // spec.kv_heads, axis=1)
        for heads in (key, value)
    )
    scores = np.einsum("qhd,khd->hqk", query, key) * spec.head_size**-0.5
    distance = np.arange(length)[:, None] - np.arange(length)
    scores[:, (distance < 0) | (distance >= (parts.window or length))] = -np.inf
    shares = np.exp(scores - scores.max(-1, keepdims=True))
    shares /= shares.sum(-1, keepdims=True)
    mixed: NDArray[np.float32] = np.einsum("hqk,khd->qhd", shares, value).reshape(length, -1).astype(np.float32)
    return mixed


def _rotated(parts: Attention, heads: NDArray[np.float32]) -> NDArray[np.float32]:
    assert parts.rotary is not None
    cosine, sine = (table[:, None, :] for table in rotary_tables(parts.rotary, len(heads)))
    low, high = np.split(heads, 2, axis=-1)
    return np.concatenate([low * cosine - high * sine, high * cosine + low * sine], axis=-1)
