"""An encoder of the BERT kind read out of its checkpoint: tables, layers and head, whatever the family calls them.

All of them add a position's vector to a word's, normalise, and put layers behind it that normalise after each sum
(arXiv 1810.04805; DistilBERT: arXiv 1910.01108; RoBERTa: arXiv 1907.11692).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeslm_agent.errors import BadCheckpoint, UnsupportedArchitecture, UnsupportedOperator

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edgeslm_exporters.checkpoint import Checkpoint
    from edgeslm_exporters.encoder.spec import EncoderSpec

    Floats = NDArray[np.float32]

ACTIVATIONS = ("gelu", "relu", "gelu_new", "gelu_pytorch_tanh")
TANH_GELU = ("gelu_new", "gelu_pytorch_tanh")


@dataclass(frozen=True, eq=False)
class Linear:
    """y = W x + b; weight [outputs, inputs], bias [outputs]."""

    weight: Floats
    bias: Floats


@dataclass(frozen=True, eq=False)
class Norm:
    """Mean 0 and variance 1 over the channels, then a factor and an offset for each."""

    weight: Floats
    bias: Floats


@dataclass(frozen=True, eq=False)
class EncoderLayer:
    """Attention and MLP, each followed by the norm of its sum with what it read."""

    query: Linear
    key: Linear
    value: Linear
    output: Linear
    attended: Norm
    up: Linear
    down: Linear
    fed: Norm


@dataclass(frozen=True, eq=False)
class Head:
    """Scores of labels from the first token: a layer, its activation (tanh or relu), a layer."""

    inner: Linear
    activation: str
    scores: Linear


@dataclass(frozen=True, eq=False)
class EncoderParts:
    """Everything that is multiplied; `places` [positions, hidden] holds positions and the first segment, summed."""

    words: Floats
    places: Floats
    embedded: Norm
    layers: tuple[EncoderLayer, ...]
    head: Head | None
    heads: int
    activation: str
    epsilon: float


@dataclass(frozen=True)
class _Names:
    """How a family spells its tensors; `layer` is a pattern, `padded` puts positions behind the padding token's id."""

    prefix: str
    layer: str
    attention: tuple[str, str, str, str]
    norms: tuple[str, str]
    mlp: tuple[str, str]
    segments: bool
    head: tuple[str, str, str]
    activation: str = "hidden_act"
    padded: bool = False


_BERT = _Names(
    prefix="bert.",
    layer="encoder.layer.{}.",
    attention=("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"),
    norms=("attention.output.LayerNorm", "output.LayerNorm"),
    mlp=("intermediate.dense", "output.dense"),
    segments=True,
    head=("bert.pooler.dense", "tanh", "classifier"),
)
_ROBERTA = _Names(
    prefix="roberta.",
    layer=_BERT.layer,
    attention=_BERT.attention,
    norms=_BERT.norms,
    mlp=_BERT.mlp,
    segments=True,
    head=("classifier.dense", "tanh", "classifier.out_proj"),
    padded=True,
)
_DISTIL = _Names(
    prefix="distilbert.",
    layer="transformer.layer.{}.",
    attention=("attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin"),
    norms=("sa_layer_norm", "output_layer_norm"),
    mlp=("ffn.lin1", "ffn.lin2"),
    segments=False,
    head=("pre_classifier", "relu", "classifier"),
    activation="activation",
)
FAMILIES = {"bert": _BERT, "distilbert": _DISTIL, "roberta": _ROBERTA, "xlm-roberta": _ROBERTA}


def read_parts(checkpoint: Checkpoint, spec: EncoderSpec, positions: int) -> EncoderParts:
    """Read the parts with the vectors of the first `positions` places.

    Raises UnsupportedArchitecture for another family, UnsupportedOperator for an activation or kind of position
    without a form, BadCheckpoint for a tensor that is missing.
    """
    if spec.model_type not in FAMILIES:
        raise UnsupportedArchitecture(
            f"{spec.model_type} is not written in integers; {', '.join(FAMILIES)} are", "export with --format onnx"
        )
    names = FAMILIES[spec.model_type]
    activation = str(checkpoint.config.get(names.activation, "gelu"))
    if activation not in ACTIVATIONS or checkpoint.config.get("position_embedding_type", "absolute") != "absolute":
        raise UnsupportedOperator(
            f"there is no integer form for the activation {activation} or for positions that are not absolute",
            "export with --format onnx",
        )
    return _Reader(checkpoint, names).parts(spec, positions, activation)


class _Reader:
    """Finds tensors with and without the family's prefix, and under the old names of norms."""

    def __init__(self, checkpoint: Checkpoint, names: _Names) -> None:
        self._checkpoint, self._names = checkpoint, names

    def parts(self, spec: EncoderSpec, positions: int, activation: str) -> EncoderParts:
        names, config = self._names, self._checkpoint.config
        first = int(config.get("pad_token_id", 1)) + 1 if names.padded else 0
        places = self._tensor("embeddings.position_embeddings.weight")[first : first + positions]
        if names.segments:
            places = places + self._tensor("embeddings.token_type_embeddings.weight")[:1]
        return EncoderParts(
            words=self._tensor("embeddings.word_embeddings.weight"),
            places=places,
            embedded=self._norm("embeddings.LayerNorm"),
            layers=tuple(self._layer(names.layer.format(index)) for index in range(spec.sizes.layers)),
            head=self._head() if spec.task == "classify" else None,
            heads=spec.sizes.heads,
            activation=activation,
            epsilon=float(config.get("layer_norm_eps", 1e-12)),
        )

    def _layer(self, place: str) -> EncoderLayer:
        query, key, value, output = (self._linear(place + name) for name in self._names.attention)
        attended, fed = (self._norm(place + name) for name in self._names.norms)
        up, down = (self._linear(place + name) for name in self._names.mlp)
        return EncoderLayer(query, key, value, output, attended, up, down, fed)

    def _head(self) -> Head:
        inner, activation, scores = self._names.head
        return Head(self._linear(inner), activation, self._linear(scores))

    def _linear(self, name: str) -> Linear:
        return Linear(self._tensor(f"{name}.weight"), self._tensor(f"{name}.bias")[0])

    def _norm(self, name: str) -> Norm:
        old = any(f"{prefix}{name}.gamma" in self._checkpoint.shapes for prefix in ("", self._names.prefix))
        weight, bias = ("gamma", "beta") if old else ("weight", "bias")
        return Norm(self._tensor(f"{name}.{weight}")[0], self._tensor(f"{name}.{bias}")[0])

    def _tensor(self, name: str) -> Floats:
        """Return a tensor as [rows, columns]; a vector is one row."""
        shapes = self._checkpoint.shapes
        found = name if name in shapes else self._names.prefix + name
        if found not in shapes:
            raise BadCheckpoint(f"the checkpoint has no tensor {name}", "download the checkpoint again")
        rows = shapes[found][0] if len(shapes[found]) > 1 else 1
        return self._checkpoint.rows(found, 0, rows)
