"""Decoders of random weights, of three shapes that tell the constants of `speed.py` apart.

`small` stays in a processor's caches, `deep` has so little to multiply that beginning its layers is what it costs, and
`large` has more weights than the last cache holds, so that it reads memory.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeslm_exporters.architectures import describe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from edgeslm_exporters.decoder_spec import DecoderSpec

CONTEXT = 1024
HEAD = 64
LARGEST_LAYERS = 24
SEED, POOL, CUT, DEVIATION = 1, 1 << 22, 7919, 0.04  # of the weights: values of the pool, between two tensors' starts


@dataclass(frozen=True)
class Graph:
    """A llama by its dimensions; heads are 64 wide, half as many keep keys and values."""

    name: str
    hidden: int
    intermediate: int
    layers: int
    vocab: int

    def config(self) -> dict[str, Any]:
        """Return its config.json."""
        heads = self.hidden // HEAD
        return {
            "model_type": "llama",
            "hidden_size": self.hidden,
            "intermediate_size": self.intermediate,
            "num_hidden_layers": self.layers,
            "num_attention_heads": heads,
            "num_key_value_heads": max(1, heads // 2),
            "vocab_size": self.vocab,
            "tie_word_embeddings": True,
            "max_position_embeddings": CONTEXT,
            "rms_norm_eps": 1e-5,
            "hidden_act": "silu",
            "torch_dtype": "float16",
        }

    def spec(self) -> DecoderSpec:
        """Return what the exporters make of it, from its shapes alone."""
        return describe(self.config(), dict(self.shapes()))

    @property
    def layer_weights(self) -> int:
        """Weights of one layer's matrices."""
        return sum(shape[0] * shape[1] for _, shape in self._layer(0) if len(shape) == 2)

    def shapes(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Yield name and shape of every tensor, as Hugging Face names them."""
        yield "model.embed_tokens.weight", (self.vocab, self.hidden)
        for layer in range(self.layers):
            yield from self._layer(layer)
        yield "model.norm.weight", (self.hidden,)

    def _layer(self, layer: int) -> Iterator[tuple[str, tuple[int, ...]]]:
        prefix, d, wide = f"model.layers.{layer}.", self.hidden, self.intermediate
        kv = max(1, d // HEAD // 2) * HEAD
        for name, rows in (("q", d), ("k", kv), ("v", kv), ("o", d)):
            yield f"{prefix}self_attn.{name}_proj.weight", (rows, d)
        for name, shape in (("gate", (wide, d)), ("up", (wide, d)), ("down", (d, wide))):
            yield f"{prefix}mlp.{name}_proj.weight", shape
        yield f"{prefix}input_layernorm.weight", (d,)
        yield f"{prefix}post_attention_layernorm.weight", (d,)


SMALL = Graph("small", hidden=256, intermediate=704, layers=6, vocab=2048)
DEEP = Graph("deep", hidden=128, intermediate=256, layers=24, vocab=512)
LARGE = Graph("large", hidden=768, intermediate=2048, layers=3, vocab=8192)
GRAPHS = {graph.name: graph for graph in (SMALL, DEEP, LARGE)}


def sized(graph: Graph, bits: int, cache_bytes: int, memory_bytes: int) -> Graph:
    """Return `large` with layers enough for twice the last cache at so many bits a weight, within a tenth of memory."""
    if graph is not LARGE:
        return graph
    wanted = min(2 * cache_bytes, memory_bytes // 10) * 8 // bits
    layers = min(max(LARGE.layers, -(-wanted // LARGE.layer_weights)), LARGEST_LAYERS)
    return replace(LARGE, layers=layers)


def write_checkpoint(graph: Graph, folder: Path) -> None:
    """Write a checkpoint in Hugging Face layout into an empty folder.

    Every tensor has weights of its own, cut from one pool of random numbers: onnxruntime keeps equal matrices once, and
    layers that share theirs would be read from a cache that no real model fits in.
    """
    header, offset = dict[str, Any](), 0
    for name, shape in graph.shapes():
        end = offset + 2 * math.prod(shape)
        header[name] = {"dtype": "F16", "shape": shape, "data_offsets": (offset, end)}
        offset = end
    text = json.dumps(header).encode()
    pool = (np.random.default_rng(SEED).standard_normal(POOL, np.float32) * np.float32(DEVIATION)).astype("<f2")
    with (folder / "model.safetensors").open("wb") as stream:
        stream.write(len(text).to_bytes(8, "little") + text)
        for index, (_, shape) in enumerate(graph.shapes()):
            stream.write(_cut(pool, index * CUT, math.prod(shape)).data)
    (folder / "config.json").write_text(json.dumps(graph.config()), encoding="utf-8")
    words = {"type": "WordLevel", "vocab": {"<unk>": 0}, "unk_token": "<unk>"}
    (folder / "tokenizer.json").write_text(json.dumps({"version": "1.0", "model": words}), encoding="utf-8")


def _cut(pool: NDArray[np.float16], start: int, size: int) -> NDArray[np.float16]:
    """Return so many values from a place of the pool on, over and over where it ends; a copy only where it does."""
    rest = pool[start:]
    return rest[:size] if size <= len(rest) else np.resize(rest, size)
