"""Tiny random checkpoints in Hugging Face layout, from a numpy seed alone.

The same case gives the same bytes on every machine, so the references committed under tests/references/logits (what
`transformers` computes from a case) hold for a checkpoint that any test builds in milliseconds, without torch.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from support.cases import CASES, case_named
from support.cases.case import PROMPT_TOKENS, Case
from support.hf_layout import encode_tensor, word_tokenizer, write_json, write_weights
from support.tensor_shapes import tensor_shapes

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Tensors = dict[str, NDArray[np.float32]]

__all__ = [
    "CASES",
    "GREEDY_TOKENS",
    "PROMPT_TOKENS",
    "Case",
    "build_checkpoint",
    "case_named",
    "random_weights",
    "weights_digest",
]

GREEDY_TOKENS = 64
_TABLES = ("embed_tokens", "wte", "embed_in", "word_embeddings", "lm_head", "embed_out", "wpe", "embed_positions")


@dataclass(frozen=True)
class _Spread:
    """Standard deviations: of tables and matrices before they are divided by the root of their width, and of biases."""

    table: float = 2.0
    matrix: float = 1.2
    bias: float = 0.3
    embedded: float = 1.0  # what the norm on BLOOM's embeddings leaves of them


# Gemma multiplies its embedding by the root of its width, BLOOM gives it a norm: with less of it the layers still have
# their say. BLOOM's far tokens count little, so biases must not drown them.
_GEMMA = _Spread(table=0.5)
_SPREADS = {
    "gemma": _GEMMA,
    "gemma2": _GEMMA,
    "gemma3_text": _GEMMA,
    "bloom": _Spread(matrix=2.4, bias=0.05, embedded=0.3),
}


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

    Layers add far more to the residual stream than the embedding does, or a tied head would only echo its input. Norms
    are not all ones and biases not zero, so that leaving one out shows.
    """
    rng = np.random.default_rng([case.seed, 0])
    drawn = {name: _drawn(rng, case, name, shape) for name, shape in tensor_shapes(case.config).items()}
    return {name.removeprefix("transformer.") if case.bare else name: values for name, values in drawn.items()}


def weights_digest(tensors: Tensors) -> str:
    """Return the SHA-256 over all tensors as drawn: tells a changed random stream from a changed forward pass."""
    digest = hashlib.sha256()
    for name, values in tensors.items():
        digest.update(name.encode() + encode_tensor(values, "F32"))
    return digest.hexdigest()


def _drawn(rng: np.random.Generator, case: Case, name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    spread = _SPREADS.get(case.family, _Spread())
    module, kind = name.rsplit(".", 1)
    if kind == "bias":
        return _normal(rng, shape, spread.bias)
    if len(shape) == 1:  # the weight of a norm
        scale = spread.embedded if module.endswith("word_embeddings_layernorm") else 1.0
        return (scale * rng.uniform(0.7, 1.3, shape)).astype(np.float32)
    if module.rsplit(".", 1)[-1] in _TABLES:
        return _normal(rng, shape, spread.table / shape[1] ** 0.5)
    inputs = shape[0] if case.family == "gpt2" else shape[1]
    return _normal(rng, shape, spread.matrix / inputs**0.5)


def _normal(rng: np.random.Generator, shape: tuple[int, ...], deviation: float) -> NDArray[np.float32]:
    return (rng.standard_normal(shape) * deviation).astype(np.float32)
