"""Finds the model a user names: the built-in one (also when none is named), a folder, a hub id, or its short name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgeslm import builtin, catalog
from edgeslm_exporters.checkpoint import open_checkpoint

if TYPE_CHECKING:
    from edgeslm.profiler.dataset import Dataset
    from edgeslm_exporters.checkpoint import Checkpoint

BUILTIN = "home"
OWN_TASKS = 300  # enough for a gate: about 3,000 scored tokens in a few seconds


@dataclass(frozen=True)
class Source:
    """An opened checkpoint and how a manifest names it: `builtin:home`, `hub:ORG/NAME` or `folder:NAME`."""

    checkpoint: Checkpoint
    label: str


def open_source(model: str | None) -> Source:
    """Open the model; only config, tokenizer and headers are read.

    Raises what `open_checkpoint` raises: BadCheckpoint, UsageError, EnvironmentProblem.
    """
    if model is None or (model == BUILTIN and not Path(model).exists()):
        return Source(open_checkpoint(builtin.home()), f"builtin:{BUILTIN}")
    if Path(model).is_dir():
        checkpoint = open_checkpoint(model)
        return Source(checkpoint, f"folder:{checkpoint.name}")
    hub_id = catalog.model_source(model)
    return Source(open_checkpoint(hub_id), f"hub:{hub_id}")


def source_of(label: str) -> str | None:
    """Return what to open again for a manifest's source, or None when only the user knows where the folder is."""
    kind, _, name = label.partition(":")
    return name if kind in {"builtin", "hub"} else None


def own_tasks(label: str) -> Dataset | None:
    """Return the tasks a model ships with: those of the built-in model."""
    if label != f"builtin:{BUILTIN}":
        return None
    from edgeslm.profiler.dataset import read_tasks

    every = read_tasks(builtin.tasks("combinations"), f"{OWN_TASKS} of the built-in tasks (unseen combinations)")
    return replace(every, tasks=every.tasks[:OWN_TASKS])
