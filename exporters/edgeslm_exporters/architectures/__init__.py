"""One file per `model_type`; its `describe(config, header)` turns a checkpoint's header into a decoder spec."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from edgeslm_agent.errors import BadCheckpoint, UnsupportedArchitecture, UnsupportedOperator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgeslm_exporters.decoder_spec import DecoderSpec

HEAD_STEP = 8  # of GroupQueryAttention; it rotates multiples of 16 itself, the others are rotated outside it


def known() -> tuple[str, ...]:
    """Return the model types that have a file here."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def describe(config: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> DecoderSpec:
    """Return the decoder spec of a checkpoint, from its config.json and the shapes of its tensors by name.

    Raises UnsupportedArchitecture for a model_type without a file, UnsupportedOperator for a form the runtime has no
    operator for, BadCheckpoint when config.json lacks keys or disagrees with the tensors.
    """
    spec = spec_of(config, shapes)
    _compare(spec.tensors(), shapes)
    return spec


def spec_of(config: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]] = MappingProxyType({})) -> DecoderSpec:
    """Return what config.json says, compared with no tensor; `shapes` decides between names where a family has two."""
    model_type = config.get("model_type")
    if not isinstance(model_type, str):
        raise BadCheckpoint("config.json: model_type is missing", "is this a checkpoint in Hugging Face layout?")
    if model_type not in known():
        raise _unsupported(model_type)
    module = importlib.import_module(f"{__name__}.{model_type}")
    spec = cast("DecoderSpec", module.describe(config, shapes))
    _check_heads(spec)
    return spec


def _check_heads(spec: DecoderSpec) -> None:
    if spec.heads % spec.kv_heads:
        raise BadCheckpoint(
            f"config.json: {spec.heads} query heads cannot share {spec.kv_heads} key/value heads evenly",
            "take config.json from the place the weights came from",
        )
    if spec.head_size % HEAD_STEP:
        raise UnsupportedOperator(
            f"heads of {spec.head_size}: onnxruntime's GroupQueryAttention takes multiples of {HEAD_STEP} only",
            "there is no other attention operator with its cache in place; choose a model with another head size",
        )


def _unsupported(model_type: str) -> UnsupportedArchitecture:
    nearest = difflib.get_close_matches(model_type, known(), n=1, cutoff=0.3)
    names = f"nearest known: {nearest[0]}; all: {', '.join(known())}" if nearest else f"known: {', '.join(known())}"
    return UnsupportedArchitecture(
        f"nobody described model_type '{model_type}' yet ({names})",
        f"a decoder: write exporters/edgeslm_exporters/architectures/{model_type}.py (CONTRIBUTING.md, 'add an "
        "architecture'); an encoder (BERT, MiniLM, T5, ...) goes through optimum: pip install 'edgeslm[optimum]'",
    )


def _compare(expected: Mapping[str, tuple[int, ...]], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise BadCheckpoint with every tensor that is missing or has another shape than config.json implies."""
    missing = [name for name in expected if name not in shapes]
    wrong = [
        f"{name} is {list(shapes[name])}, config.json implies {list(shape)}"
        for name, shape in expected.items()
        if name in shapes and shapes[name] != shape
    ]
    problems = _shortened([f"{name} is missing" for name in missing]) + _shortened(wrong)
    if problems:
        raise BadCheckpoint(
            "the tensors do not match config.json: " + "; ".join(problems),
            "config.json and weights must come from the same checkpoint",
        )


def _shortened(lines: list[str]) -> list[str]:
    """Keep the first eight of what may be thousands of lines."""
    return lines if len(lines) <= 8 else [*lines[:8], f"and {len(lines) - 8} more"]
