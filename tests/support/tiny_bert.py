"""Tiny random encoders of the BERT kind as checkpoints, and what they compute, written down again in float64."""

from __future__ import annotations

from math import erf, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from support.hf_layout import word_tokenizer, write_json, write_safetensors

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Tensors = dict[str, NDArray[np.float32]]

VOCABULARY, HIDDEN, INNER, HEADS, LAYERS, POSITIONS, LABELS = 300, 32, 64, 4, 2, 40, 3
LOUD = 7  # a channel that the MLP makes far larger than the others for some tokens
LAYER = "encoder.layer.{}."
LINEARS = {
    "attention.self.query": (HIDDEN, HIDDEN),
    "attention.self.key": (HIDDEN, HIDDEN),
    "attention.self.value": (HIDDEN, HIDDEN),
    "attention.output.dense": (HIDDEN, HIDDEN),
    "intermediate.dense": (INNER, HIDDEN),
    "output.dense": (HIDDEN, INNER),
}


def tensors(seed: int = 5) -> Tensors:
    """Draw the weights of a BERT with a classifier."""
    random = np.random.default_rng(seed)
    eighth = np.float32(0.125)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (VOCABULARY, HIDDEN),
        "embeddings.position_embeddings.weight": (POSITIONS, HIDDEN),
        "embeddings.token_type_embeddings.weight": (2, HIDDEN),
    }
    drawn = {name: random.standard_normal(shape, np.float32) for name, shape in shapes.items()}
    norms = ["embeddings.LayerNorm"]
    linears = {"pooler.dense": (HIDDEN, HIDDEN), "classifier": (LABELS, HIDDEN)}
    for index in range(LAYERS):
        place = LAYER.format(index)
        linears |= {place + name: shape for name, shape in LINEARS.items()}
        norms += [f"{place}attention.output.LayerNorm", f"{place}output.LayerNorm"]
    for name, (rows, columns) in linears.items():
        drawn[f"{name}.weight"] = random.standard_normal((rows, columns), np.float32) / np.float32(sqrt(columns))
        drawn[f"{name}.bias"] = random.standard_normal(rows, np.float32) * (2 * eighth)
    for name in norms:
        drawn[f"{name}.weight"] = np.float32(1) + random.standard_normal(HIDDEN, np.float32) * eighth
        drawn[f"{name}.bias"] = random.standard_normal(HIDDEN, np.float32) * eighth
    drawn["encoder.layer.0.output.dense.weight"][LOUD] *= 20
    return drawn


def write_bert(folder: Path, task: str = "embed", *, family: str = "bert", **changes: Any) -> Path:  # noqa: ANN401
    """Write a checkpoint with the mean of the tokens as its embedding, or with three labels; returns the folder."""
    folder.mkdir(parents=True)
    architecture = "BertForSequenceClassification" if task == "classify" else "BertModel"
    config = {
        "model_type": family,
        "architectures": [architecture],
        "hidden_act": "gelu",
        "hidden_size": HIDDEN,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "intermediate_size": INNER,
        "max_position_embeddings": POSITIONS,
        "vocab_size": VOCABULARY,
        "layer_norm_eps": 1e-12,
        "id2label": {str(index): f"label {index}" for index in range(LABELS)},
    }
    write_json(folder / "config.json", {**config, **changes})
    write_json(folder / "tokenizer.json", word_tokenizer(VOCABULARY))
    prefix = "bert." if task == "classify" else ""
    named = {name if name.startswith("classifier") else prefix + name: values for name, values in tensors().items()}
    write_safetensors(folder / "model.safetensors", named, "F32")
    return folder


def states(ids: Sequence[int], drawn: Tensors) -> NDArray[np.float64]:
    """Return the last hidden state [length, hidden], in float64."""
    weights = {name: values.astype(np.float64) for name, values in drawn.items()}

    def norm(name: str, x: NDArray[np.float64]) -> NDArray[np.float64]:
        spread = x - x.mean(axis=1, keepdims=True)
        normal = spread / np.sqrt((spread**2).mean(axis=1, keepdims=True) + 1e-12)
        scaled: NDArray[np.float64] = normal * weights[f"{name}.weight"] + weights[f"{name}.bias"]
        return scaled

    def linear(name: str, x: NDArray[np.float64]) -> NDArray[np.float64]:
        product: NDArray[np.float64] = x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
        return product

    gelu = np.vectorize(lambda x: x * (1 + erf(x / sqrt(2))) / 2)
    x = weights["embeddings.word_embeddings.weight"][list(ids)]
    x = x + weights["embeddings.position_embeddings.weight"][: len(ids)]
    x = norm("embeddings.LayerNorm", x + weights["embeddings.token_type_embeddings.weight"][0])
    for index in range(LAYERS):
        place, size = LAYER.format(index), HIDDEN // HEADS
        packed = [linear(f"{place}attention.self.{name}", x) for name in ("query", "key", "value")]
        found = []
        for head in range(HEADS):
            query, key, value = (part[:, head * size : (head + 1) * size] for part in packed)
            powers = np.exp(query @ key.T / sqrt(size))
            found.append(powers / powers.sum(axis=1, keepdims=True) @ value)
        x = norm(f"{place}attention.output.LayerNorm", x + linear(f"{place}attention.output.dense", np.hstack(found)))
        inner = gelu(linear(f"{place}intermediate.dense", x))
        x = norm(f"{place}output.LayerNorm", x + linear(f"{place}output.dense", inner))
    return x


def label_scores(ids: Sequence[int], drawn: Tensors) -> NDArray[np.float64]:
    """Return the scores of the labels, from the first token."""
    first = states(ids, drawn)[0]
    pooled = np.tanh(drawn["pooler.dense.weight"] @ first + drawn["pooler.dense.bias"])
    odds = np.exp(drawn["classifier.weight"] @ pooled + drawn["classifier.bias"])
    scores: NDArray[np.float64] = odds / odds.sum()
    return scores
