"""Finds the model a user names: the built-in one (also when none is named), a folder, a hub id, or its short name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgeslm import builtin, catalog
from edgeslm_exporters.architectures import describe
from edgeslm_exporters.checkpoint import open_checkpoint

if TYPE_CHECKING:
    from edgeslm.profiler.dataset import Dataset
    from edgeslm_agent.contract.manifest import ModelSource
    from edgeslm_exporters.checkpoint import Checkpoint
    from edgeslm_exporters.decoder_spec import DecoderSpec

BUILTIN = "home"
OWN_TASKS = 300  # enough for a gate: about 3,000 scored tokens in a few seconds


@dataclass(frozen=True)
class Source:
    """An opened checkpoint and how a manifest names it.

    The label is `builtin:home`, `hub:ORG/NAME`, `folder:NAME` or `file:NAME.gguf`, with `+ADAPTER` behind it.
    """

    checkpoint: Checkpoint
    label: str

    @property
    def spec(self) -> DecoderSpec:
        """What its architecture makes of it.

        Raises UnsupportedArchitecture or BadCheckpoint.
        """
        return describe(self.checkpoint.config, self.checkpoint.shapes)


def open_source(model: str | None, *, adapter: str | Path | None = None) -> Source:
    """Open the model, merged with a LoRA adapter where one is given; only config, tokenizer and headers are read.

    Raises what `open_checkpoint` raises: BadCheckpoint, UsageError, UnsupportedOperator, Unreachable,
    EnvironmentProblem.
    """
    place, label = _place(model)
    if adapter is None:
        return Source(open_checkpoint(place), label)
    return Source(open_checkpoint(place, adapter=Path(adapter)), f"{label}+{Path(adapter).resolve().name}")


def _place(model: str | None) -> tuple[str | Path, str]:
    """Return where a model is, and its label."""
    if model is None or (model == BUILTIN and not Path(model).exists()):
        return builtin.home(), f"builtin:{BUILTIN}"
    path = Path(model)
    if path.exists():
        return model, f"{'folder' if path.is_dir() else 'file'}:{path.resolve().name}"
    hub_id = catalog.model_source(model)
    return hub_id, f"hub:{hub_id.partition('@')[0]}"


def source_of(model: ModelSource) -> str | None:
    """Return what to open again for a manifest's model, or None when only the user knows where its files are."""
    kind, _, name = model.source.partition(":")
    if kind not in {"builtin", "hub"} or "+" in name:
        return None
    return f"{name}@{model.revision}" if model.revision else name


def own_tasks(label: str) -> Dataset | None:
    """Return the tasks a model ships with: those of the built-in model."""
    return _own(label, f"{OWN_TASKS} of the built-in tasks (unseen combinations)", 0, OWN_TASKS)


def calibration_beside(label: str, data: Dataset | None, calibration: Dataset | None) -> tuple[Dataset, Dataset]:
    """Return what to calibrate on and what to judge by, never the same.

    `calibration` and `data` are the user's, None when not given. The built-in model ships both, edgeslm a text for
    each; data of the user's without `calibration` are split.
    Raises UsageError when they are too short for that.
    """
    from edgeslm.profiler.dataset import calibration_text, default_text

    if data is not None:
        return data.split() if calibration is None else (calibration, data)
    own = own_tasks(label)
    shipped = _own(label, "the other built-in tasks", OWN_TASKS, None) or calibration_text()
    return calibration or shipped, own or default_text()


def _own(label: str, name: str, start: int, stop: int | None) -> Dataset | None:
    if label != f"builtin:{BUILTIN}":
        return None
    from edgeslm.profiler.dataset import read_tasks

    every = read_tasks(builtin.tasks("combinations"), name)
    return replace(every, tasks=every.tasks[start:stop])
