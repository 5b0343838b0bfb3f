"""The small files of sentence-transformers: which modules stand behind the model, how long a text may be.

A checkpoint without modules.json is pooled as sentence-transformers would: the mean of the tokens, not normalised.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from edgeslm_agent.errors import BadCheckpoint, UnsupportedOperator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgeslm_exporters.checkpoint import Checkpoint

_AGAIN = "download the checkpoint again"
LIST = "modules.json"
SENTENCE = "sentence_bert_config.json"
PROMPTS = "config_sentence_transformers.json"
MODULE_FILES = ("config.json", "model.safetensors")
POOLINGS = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
}
ACTIVATIONS = {
    "torch.nn.modules.linear.Identity": "",
    "torch.nn.modules.activation.Tanh": "Tanh",
}


@dataclass(frozen=True)
class Dense:
    """A linear layer behind the pooling: the file of its weights, and an ONNX operator or ''."""

    weights: str
    activation: str


@dataclass(frozen=True)
class Modules:
    """What makes one vector of the tokens' vectors: a pooling, linear layers, and whether its length becomes 1."""

    pooling: str
    dense: tuple[Dense, ...]
    normalized: bool


NO_MODULES = Modules("", (), normalized=False)  # of a classifier


def read_modules(checkpoint: Checkpoint) -> Modules:
    """Read modules.json: Transformer, then Pooling, then any Dense, then Normalize or not.

    Raises UnsupportedOperator for a module or a pooling without a form, BadCheckpoint for a file that is not JSON.
    """
    _require_plain_text(checkpoint)
    listed = _listed(checkpoint)
    if not listed:
        return Modules("mean", (), normalized=False)
    pooling, normalized = "", False
    dense: list[Dense] = []
    for kind, place in listed:
        if kind == "Pooling":
            pooling = _pooling(side_object(checkpoint, f"{place}/config.json"))
        elif kind == "Dense":
            dense.append(_dense(checkpoint, place))
        elif kind == "Normalize":
            normalized = True
        elif kind != "Transformer":
            raise UnsupportedOperator(f"{LIST}: there is no form for the module {kind}", "take another model")
    if not pooling:
        raise UnsupportedOperator(f"{LIST} names no Pooling", "a sentence needs one vector; take another model")
    return Modules(pooling, tuple(dense), normalized)


def with_module_files(checkpoint: Checkpoint) -> Checkpoint:
    """Return the checkpoint with the files of sentence-transformers among those its digest covers."""
    places = [place for _, place in _listed(checkpoint) if place]
    names = [LIST, SENTENCE, PROMPTS, *(f"{place}/{file}" for place in places for file in MODULE_FILES)]
    present = [name for name in names if checkpoint.document(name) is not None]
    base = checkpoint.list_files
    return replace(checkpoint, list_files=lambda: (*base(), *(checkpoint.path / name for name in present)))


def _listed(checkpoint: Checkpoint) -> list[tuple[str, str]]:
    """Return the modules as (kind, folder)."""
    modules = _parsed(checkpoint, LIST, b"[]")
    if not isinstance(modules, list) or not all(isinstance(each, dict) for each in modules):
        raise BadCheckpoint(f"{LIST} is not a list of objects", _AGAIN)
    return [(str(each.get("type", "")).rsplit(".", 1)[-1], str(each.get("path", ""))) for each in modules]


def _pooling(config: Mapping[str, object]) -> str:
    chosen = [key for key, value in config.items() if key.startswith("pooling_mode_") and value is True]
    named = config.get("pooling_mode", POOLINGS.get(chosen[0]) if len(chosen) == 1 else None)
    if named not in POOLINGS.values():
        raise UnsupportedOperator(
            f"there is no form for the pooling {named or ', '.join(chosen) or 'without a mode'}",
            f"known are {', '.join(POOLINGS.values())}, one at a time",
        )
    return str(named)


def _dense(checkpoint: Checkpoint, place: str) -> Dense:
    activation = str(side_object(checkpoint, f"{place}/config.json").get("activation_function"))
    weights = f"{place}/model.safetensors"
    if activation not in ACTIVATIONS or checkpoint.document(weights) is None:
        raise UnsupportedOperator(
            f"{place}: a Dense needs model.safetensors and one of {', '.join(ACTIVATIONS)}, not {activation}",
            "save the model with a newer sentence-transformers",
        )
    return Dense(weights, ACTIVATIONS[activation])


def _require_plain_text(checkpoint: Checkpoint) -> None:
    """Refuse what sentence-transformers does to a text outside the tokenizer: embeddings would silently differ."""
    if side_object(checkpoint, SENTENCE).get("do_lower_case"):
        raise UnsupportedOperator(f"{SENTENCE}: do_lower_case", "put lower-casing into tokenizer.json")
    if side_object(checkpoint, PROMPTS).get("default_prompt_name"):
        raise UnsupportedOperator(
            f"{PROMPTS}: default_prompt_name", "remove it, and put the prompt before your texts yourself"
        )


def side_object(checkpoint: Checkpoint, name: str) -> dict[str, Any]:
    """Read a side file that holds a JSON object; an absent one is empty.

    Raises BadCheckpoint when it holds something else.
    """
    document = _parsed(checkpoint, name, b"{}")
    if not isinstance(document, dict):
        raise BadCheckpoint(f"{name} is not an object", _AGAIN)
    return document


def _parsed(checkpoint: Checkpoint, name: str, absent: bytes) -> object:
    try:
        return json.loads(checkpoint.document(name) or absent)
    except (ValueError, RecursionError) as error:
        raise BadCheckpoint(f"{name} is not JSON: {error}", _AGAIN) from error
