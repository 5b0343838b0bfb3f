"""LoRA adapters as PEFT saves them, merged while rows are read: W + scale x B A, nothing of the size of W kept.

A linear layer stores A [r, K] and B [N, r]; an embedding stores A [r, vocabulary] and B [hidden, r], and its sum is
turned, as is that of a layer with `fan_in_fan_out`. The scale is alpha / r, with rslora alpha / sqrt(r). A tensor saved
whole (`modules_to_save`, trained biases) replaces the checkpoint's. Source: LoRA, arXiv 2106.09685; rsLoRA, arXiv
2312.03732; get_delta_weight and get_pattern_key of PEFT.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeslm_agent.errors import BadCheckpoint, UnsupportedOperator, UsageError
from edgeslm_exporters.weight_files import WeightFiles, read_headers
from edgeslm_exporters.weights import QuantizedWeights

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from edgeslm_exporters.quantized_rows import Blocks, QuantizedRows
    from edgeslm_exporters.weights import Weights

CONFIG, TENSORS = "adapter_config.json", "adapter_model.safetensors"
HEADS = ("lm_head.weight", "embed_out.weight")
_PREFIX = "base_model.model."
_FACTOR = re.compile(r"(?P<module>.+)\.lora_(?P<embedding>embedding_)?(?P<which>[AB])(\.weight)?")
# Settings under which an adapter is a plain low-rank sum. The initialisations named here leave the checkpoint's weights
# alone; others (pissa, olora, corda, loftq, ...) move part of them into the adapter.
_PLAIN: dict[str, tuple[object, ...]] = {
    "peft_type": ("LORA",),
    "use_dora": (None, False),
    "use_qalora": (None, False),
    "lora_bias": (None, False),
    "layer_replication": (None, []),
    "trainable_token_indices": (None, [], {}),
    "target_parameters": (None, []),
    "alora_invocation_tokens": (None, []),
    "use_bdlora": (None, False),
    "arrow_config": (None,),
    "kasa_config": (None,),
    "monteclora_config": (None,),
    "init_lora_weights": (None, True, False, "gaussian", "eva", "orthogonal"),
}


@dataclass(frozen=True)
class LowRank:
    """What is added to one tensor: left @ right, left [rows, r] with the scale in it, right [r, columns]."""

    left: NDArray[np.float32]
    right: NDArray[np.float32]

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of the sum."""
        return self.left.shape[0], self.right.shape[1]


class Adapted:
    """`QuantizedWeights`: another source's, with some tensors replaced and low-rank sums added.

    What the adapter leaves alone keeps its own codes.
    """

    def __init__(self, base: Weights, replaced: WeightFiles, sums: Mapping[str, LowRank]) -> None:
        self._base = base
        self._replaced = replaced
        self._sums = sums

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shape of every tensor by name."""
        return self._base.shapes

    def rows(self, name: str, start: int, stop: int) -> NDArray[np.float32]:
        """Return rows of a merged tensor as `Weights` does."""
        source = self._replaced if name in self._replaced.headers else self._base
        values, added = source.rows(name, start, stop), self._sums.get(name)
        if added is None:
            return values
        merged: NDArray[np.float32] = values + added.left[start:stop] @ added.right
        return merged

    def quantized_rows(self, name: str, start: int, stop: int, form: Blocks) -> QuantizedRows | None:
        """Return the codes of a tensor the adapter leaves alone, as `QuantizedWeights` does."""
        untouched = name not in self._sums and name not in self._replaced.headers
        if untouched and isinstance(self._base, QuantizedWeights):
            return self._base.quantized_rows(name, start, stop, form)
        return None


def adapted(base: Weights, folder: Path) -> Adapted:
    """Return `base` with the adapter in `folder` merged; the adapter's factors are read at once, `base` is not.

    Raises UsageError when the folder holds no adapter, UnsupportedOperator for a kind that is no plain low-rank sum,
    BadCheckpoint when it is damaged or was made for another model.
    """
    settings = _settings(folder)
    headers = {_weight_name(name): header for name, header in read_headers(folder / TENSORS).items()}
    files = WeightFiles(headers, lambda file: folder / file)
    sums = {_place(f"{module}.weight", base): added for module, added in _sums(files, settings)}
    whole = {_place(name, base): header for name, header in headers.items() if not _FACTOR.fullmatch(name)}
    replaced = WeightFiles(whole, lambda file: folder / file)
    _check(base, {**replaced.shapes, **{name: added.shape for name, added in sums.items()}}, files)
    return Adapted(base, replaced, sums)


def _settings(folder: Path) -> dict[str, Any]:
    if missing := [name for name in (CONFIG, TENSORS) if not (folder / name).is_file()]:
        raise UsageError(f"{folder} has no {' and no '.join(missing)}", "--adapter takes a folder that PEFT saved")
    try:
        settings = json.loads((folder / CONFIG).read_bytes())
    except ValueError as error:
        raise BadCheckpoint(f"{CONFIG} is not JSON: {error}", "save the adapter again") from error
    if not isinstance(settings, dict):
        raise BadCheckpoint(f"{CONFIG} is not an object", "save the adapter again")
    if odd := [key for key, plain in _PLAIN.items() if settings.get(key) not in plain]:
        raise UnsupportedOperator(
            f"the adapter is no plain low-rank sum: {', '.join(f'{key} = {settings.get(key)!r}' for key in odd)}",
            "merge it with PEFT (merge_and_unload), save the merged checkpoint, and export that",
        )
    return settings


def _weight_name(saved: str) -> str:
    """Return a tensor's name in the checkpoint's terms; the factors keep their endings."""
    return saved.removeprefix(_PREFIX).replace(".base_layer.", ".").replace(".modules_to_save.", ".")


def _place(name: str, base: Weights) -> str:
    """Return the checkpoint's name of a tensor: some (GPT-2) are published without the first part of it."""
    inner = name.partition(".")[2]
    return inner if name not in base.shapes and inner in base.shapes else name


def _sums(files: WeightFiles, settings: Mapping[str, Any]) -> Iterator[tuple[str, LowRank]]:
    """Yield each adapted module with what is added to it.

    Raises BadCheckpoint when one of its two factors is missing or has another rank.
    """
    found = [match for name in files.headers if (match := _FACTOR.fullmatch(name))]
    names = {(match["module"], match["which"]): match.group() for match in found}
    turned = {match["module"] for match in found if match["embedding"] or settings.get("fan_in_fan_out")}
    for module in dict.fromkeys(match["module"] for match in found):
        a, b = names.get((module, "A")), names.get((module, "B"))
        if a is None or b is None:
            raise BadCheckpoint(f"the adapter has one of the two factors of {module} only", "save the adapter again")
        down, up = (files.rows(name, 0, files.all_rows(name)) for name in (a, b))
        if down.shape[0] != up.shape[1]:
            raise BadCheckpoint(
                f"the adapter's factors of {module} do not go together: A {list(down.shape)}, B {list(up.shape)}",
                "save the adapter again",
            )
        scaled = up * _scale(settings, module, rank=down.shape[0])
        yield module, LowRank(down.T, scaled.T) if module in turned else LowRank(scaled, down)


def _scale(settings: Mapping[str, Any], module: str, *, rank: int) -> np.float32:
    """Return alpha / r or, with rslora, alpha / sqrt(r); a pattern of the module's name may give it another alpha."""
    named = settings.get("alpha_pattern")
    patterns = named if isinstance(named, dict) else {}
    alpha = next(
        (value for pattern, value in patterns.items() if re.fullmatch(rf"(.*\.)?({pattern})", module)),
        settings.get("lora_alpha"),
    )
    if not isinstance(alpha, (int, float)) or rank == 0:
        raise BadCheckpoint(f"{CONFIG}: lora_alpha of {module} is {alpha!r}", "save the adapter again")
    scale: np.float32 = np.float32(float(alpha) / (math.sqrt(rank) if settings.get("use_rslora") else rank))
    return scale


def _check(base: Weights, adapter: Mapping[str, tuple[int, ...]], files: WeightFiles) -> None:
    """Raise BadCheckpoint unless every tensor of the adapter has its place in the checkpoint.

    An embedding whose table is the head's too is refused: the sum belongs to one of the two.
    """
    shapes = base.shapes
    wrong = [
        f"{name} is {list(shape)} there and {list(shapes[name]) if name in shapes else 'missing'} here"
        for name, shape in adapter.items()
        if shapes.get(name) != shape
    ]
    if wrong:
        more = f" and {len(wrong) - 4} more" if len(wrong) > 4 else ""
        raise BadCheckpoint(
            f"the adapter was made for another model: {'; '.join(wrong[:4])}{more}",
            "give the checkpoint that adapter_config.json names as base_model_name_or_path",
        )
    tied = not any(head in shapes for head in HEADS)
    if tied and any(".lora_embedding_" in name for name in files.headers):
        raise UnsupportedOperator(
            "the adapter changes the embedding but not the head, which share one table in this checkpoint",
            "merge it with PEFT into a checkpoint with tie_word_embeddings = false, and export that",
        )
