"""plan() for a model and a board by name: opens the headers, reads the profile, and plans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm import catalog
from edgeslm.profiler.plan import Objective, Plan
from edgeslm.profiler.plan import plan as plan_variants
from edgeslm.source import Source, open_source
from edgeslm_exporters.architectures import describe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgeslm.catalog import Profile


def plan(
    model: str | None = None,
    *,
    device: str,
    memory: str | None = None,
    recipes: Sequence[str] = (),
    formats: Sequence[str] = ("onnx",),
    context: int | None = None,
    objective: Objective = "speed",
) -> Plan:
    """Plan a model (None: the built-in one) for a board, from config and headers alone.

    Raises what opening a checkpoint and finding a device raise; a plan that keeps nothing is returned, not raised.
    """
    profile = catalog.device(device, memory=memory)
    return plan_source(
        open_source(model), profile, recipes=recipes, formats=formats, context=context, objective=objective
    )


def plan_source(
    source: Source,
    profile: Profile,
    *,
    recipes: Sequence[str],
    formats: Sequence[str],
    context: int | None,
    objective: Objective,
) -> Plan:
    """Plan an opened model for a profile; no recipe named means all that ship."""
    checkpoint = source.checkpoint
    spec = describe(checkpoint.config, checkpoint.shapes)
    return plan_variants(
        checkpoint.name, spec, profile, recipes=recipes or None, formats=formats, context=context, objective=objective
    )
