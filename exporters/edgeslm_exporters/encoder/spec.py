"""What an encoder's checkpoint says it is: sizes and labels from config.json, the rest from modules.py."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from edgeslm_agent.contract.manifest import EncoderSizes
from edgeslm_agent.errors import BadCheckpoint, UnsupportedArchitecture
from edgeslm_exporters.config_reader import ConfigReader
from edgeslm_exporters.encoder.modules import NO_MODULES, SENTENCE, Modules, read_modules, side_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgeslm_agent.contract.manifest import Task
    from edgeslm_exporters.checkpoint import Checkpoint

UNBOUNDED = 1_000_000  # transformers writes 1e30 where a tokenizer has no limit
T5_TOKENS = 512  # what T5 was trained on; its relative positions have no end
PARTS_DONE_ELSEWHERE = ("decoder.", "lm_head.", "cls.", "vocab_", "pooler.")  # tensors a sentence vector does not need


@dataclass(frozen=True)
class _Keys:
    """How one model_type spells its sizes; `padded` means that positions begin behind the padding token's id."""

    hidden: str = "hidden_size"
    layers: str = "num_hidden_layers"
    inner: str = "intermediate_size"
    heads: str = "num_attention_heads"
    positions: str | None = "max_position_embeddings"
    padded: bool = False


ENCODERS: dict[str, _Keys] = {
    "bert": _Keys(),
    "distilbert": _Keys("dim", "n_layers", "hidden_dim", "n_heads"),
    "mpnet": _Keys(padded=True),
    "roberta": _Keys(padded=True),
    "xlm-roberta": _Keys(padded=True),
    "t5": _Keys("d_model", "num_layers", "d_ff", "num_heads", positions=None),
}


@dataclass(frozen=True)
class EncoderSpec:
    """One encoder, architecture-neutral. `max_tokens` counts special tokens."""

    model_type: str
    task: Task
    sizes: EncoderSizes
    vocab: int
    max_tokens: int
    modules: Modules
    labels: tuple[str, ...]
    several_labels: bool
    parameters: int


def is_encoder(config: Mapping[str, Any]) -> bool:
    """Whether a config.json is that of an encoder (or of the one sequence-to-sequence family we know)."""
    return config.get("model_type") in ENCODERS


def describe_encoder(checkpoint: Checkpoint) -> EncoderSpec:
    """Return the spec of an encoder's checkpoint, from its small files and tensor headers.

    Raises BadCheckpoint for files that are missing or contradict each other, UnsupportedArchitecture for a head we do
    not export, UnsupportedOperator for a pooling or module without a form.
    """
    reader = ConfigReader(checkpoint.config)
    keys = ENCODERS[str(checkpoint.config["model_type"])]
    sizes = EncoderSizes(*(reader.size(key) for key in (keys.layers, keys.hidden, keys.inner, keys.heads)))
    vocab, bound = reader.size("vocab_size"), _positions(reader, keys)
    task = _task(checkpoint)
    modules = read_modules(checkpoint) if task == "embed" else NO_MODULES
    labels = _labels(checkpoint.config) if task == "classify" else ()
    reader.finish()
    return EncoderSpec(
        model_type=str(checkpoint.config["model_type"]),
        task=task,
        sizes=sizes,
        vocab=vocab,
        max_tokens=_max_tokens(checkpoint, bound),
        modules=modules,
        labels=labels,
        several_labels=checkpoint.config.get("problem_type") == "multi_label_classification",
        parameters=_parameters(checkpoint, task),
    )


def _positions(reader: ConfigReader, keys: _Keys) -> int:
    if keys.positions is None:
        return T5_TOKENS
    positions = reader.size(keys.positions)
    return positions - reader.size("pad_token_id", 1, least=0) - 1 if keys.padded else positions


def _task(checkpoint: Checkpoint) -> Task:
    names = checkpoint.config.get("architectures") or [""]
    name = str(names[0])
    if name.endswith("ForSequenceClassification"):
        return "classify"
    if name.endswith(("Model", "ForMaskedLM", "ForPreTraining", "ForConditionalGeneration", "LMHeadModel")) or not name:
        return "embed"
    raise UnsupportedArchitecture(
        f"{name} has a head that is not exported: sentence embedding and text classification are",
        "take the checkpoint's base model, or one fine-tuned for sequence classification",
    )


def _labels(config: Mapping[str, Any]) -> tuple[str, ...]:
    names = config.get("id2label") or {f"{index}": f"LABEL_{index}" for index in range(2)}
    labels = tuple(str(names.get(str(index))) for index in range(len(names)))
    if config.get("problem_type") == "regression" or len(labels) < 2:
        raise UnsupportedArchitecture("the model gives one number, not labels", "take a model with two labels or more")
    if len(set(labels)) != len(labels) or "None" in labels:
        raise BadCheckpoint("config.json: id2label is not a list of different names", "give each label its own name")
    return labels


def _max_tokens(checkpoint: Checkpoint, bound: int) -> int:
    told = side_object(checkpoint, SENTENCE).get("max_seq_length")
    told = told or checkpoint.tokenizer_config.get("model_max_length")
    return min(int(told), bound) if isinstance(told, (int, float)) and 0 < told < UNBOUNDED else bound


def _parameters(checkpoint: Checkpoint, task: Task) -> int:
    """Count the weights that the exported graph needs."""
    unused = tuple(part for part in PARTS_DONE_ELSEWHERE if part != "pooler." or task == "embed")
    return sum(
        prod(shape)
        for name, shape in checkpoint.shapes.items()
        if not any(f".{part}" in f".{name}" for part in unused) and not name.endswith("position_ids")
    )
