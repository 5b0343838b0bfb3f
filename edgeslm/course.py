"""What an export builds, in which order, and what of it the memory of this machine allows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from edgeslm.profiler.export_memory import largest_stage
from edgeslm_agent.errors import EnvironmentProblem
from edgeslm_agent.units import format_bytes
from edgeslm_exporters.formats import layout
from edgeslm_exporters.recipe import parse_recipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgeslm.planning import Wish
    from edgeslm.profiler.candidate import Candidate
    from edgeslm.profiler.export_memory import Stage
    from edgeslm.profiler.plan import Plan
    from edgeslm_exporters.decoder_spec import DecoderSpec


@dataclass(frozen=True)
class Course:
    """What an export builds: `steps` until one passes the gate, and all `rivals`, which compete with what passed.

    `mixed` says how a mix of storages was solved for, as JSON-ready data; None when none was asked for.
    """

    plan: Plan
    steps: tuple[Candidate, ...]
    rivals: tuple[Candidate, ...]
    mixed: dict[str, Any] | None = None


def plain_course(planned: Plan, wish: Wish) -> Course:
    """Return the course of a plan: recipes that the user named all compete, else bits are added step by step.

    Raises NothingFits with every reason when the plan keeps nothing.
    """
    planned.require_kept()
    if not wish.recipes:
        return Course(planned, planned.to_try, ())
    return Course(planned, (), planned.kept if wish.formats else _in_one_format(planned.kept))


def _in_one_format(kept: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Return each recipe once, in the format that the plan puts first."""
    found: dict[str, Candidate] = {}
    for candidate in kept:
        found.setdefault(candidate.recipe, candidate)
    return tuple(found.values())


def affordable(course: Course, spec: DecoderSpec, most_bytes: int, *, compared: bool) -> tuple[Course, tuple[str, ...]]:
    """Return what of a course an export can build in so much memory, and why not the rest.

    Raises EnvironmentProblem when that is nothing.
    """
    dropped = {}
    for candidate in (*course.steps, *course.rivals):
        stage = _largest(spec, candidate, compared=compared)
        if stage.bytes > most_bytes:
            dropped[candidate.variant] = stage
    steps, rivals = (tuple(c for c in part if c.variant not in dropped) for part in (course.steps, course.rivals))
    if not steps and not rivals:
        require_memory(min(dropped.values(), key=lambda stage: stage.bytes), most_bytes)
    reasons = tuple(f"{variant} is not built: {stage}, --max-ram allows less" for variant, stage in dropped.items())
    return replace(course, steps=steps, rivals=rivals), reasons


def require_memory(stage: Stage, most_bytes: int) -> None:
    """Return when a stage of an export stays within so much memory.

    Raises EnvironmentProblem otherwise.
    """
    if stage.bytes > most_bytes:
        without = ", or leave the comparison out with --gate none" if "reference" in stage.what else ""
        raise EnvironmentProblem(
            f"{stage}; --max-ram allows {format_bytes(most_bytes)}",
            f"allow {format_bytes(stage.bytes)}{without}, or export on a larger machine",
        )


def _largest(spec: DecoderSpec, candidate: Candidate, *, compared: bool) -> Stage:
    recipe, context = parse_recipe(candidate.recipe), candidate.context
    places = layout(candidate.format, spec, recipe, context)
    exact = layout("onnx", spec, parse_recipe("fp32"), context)
    return largest_stage(places, exact, compared=compared or recipe.calibrates)
