"""What a board's accelerators could run: which variants, in which precision and shapes, and what stays on the CPU.

Graphs written here run on the CPU. For each driver that a profile names, the form it needs stands in the plan as a
candidate that nobody builds, with the reason; and for every candidate that is built, what of it would run there.
Pure: the facts come from profiles/accelerators and from the profile's own words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgeslm_agent.units import format_bytes
from edgeslm_exporters.recipe import parse_recipe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgeslm.catalog import Profile
    from edgeslm.catalog.accelerators import Graph, Mention
    from edgeslm.profiler.candidate import Candidate

NOT_BUILT = "not built by this version"


@dataclass(frozen=True)
class Placement:
    """One candidate on one accelerator: `part` or `none` of it runs there; `falls_back` says what does not, and why."""

    variant: str
    runs: str
    falls_back: str


@dataclass(frozen=True)
class Accelerated:
    """One driver of a board's accelerator, as a plan shows it. `form` is the variant that it needs.

    `works` and `says` are the profile's; `memory` says whose budget its buffers come from.
    """

    driver: str
    title: str
    works: bool
    says: str
    precision: str
    shapes: str
    memory: str
    form: str
    placements: tuple[Placement, ...]

    def document(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {**vars(self), "placements": [vars(placement) for placement in self.placements]}


def accelerated(mention: Mention, form: str, profile: Profile, built: Sequence[Candidate]) -> Accelerated:
    """Describe one driver for a board: the variant it needs, and what of those that are built would run there."""
    driver = mention.driver
    return Accelerated(
        driver=driver.name,
        title=driver.title,
        works=mention.works,
        says=mention.says,
        precision=driver.precision,
        shapes=driver.shapes,
        memory=memory_of(profile),
        form=form,
        placements=tuple(_placement(candidate, mention) for candidate in built),
    )


def form_reasons(mention: Mention, like: str, profile: Profile) -> tuple[str, ...]:
    """Return why the form that a driver needs is not built, and what it would take; `like` is whose figures it has."""
    return tuple(_form_reasons(mention, like, profile))


def memory_of(profile: Profile) -> str:
    """Return whose memory an accelerator's buffers take, in words."""
    where = profile.accelerator.memory
    if profile.memory.shared_with_gpu or where.startswith(("shared", "unified")):
        return f"shared with the CPU: one budget of {format_bytes(profile.budget_bytes)} for both"
    return f"its own: {where}" if where else "unknown: the profile does not say"


def _form_reasons(mention: Mention, like: str, profile: Profile) -> Iterator[str]:
    driver = mention.driver
    yield f"{NOT_BUILT}: {driver.title} needs {driver.precision}; shapes: {driver.shapes}"
    yield f"nobody measured it on {profile.name}: its figures are those of {like} on the CPU"
    if not mention.works:
        yield f"does not work on {profile.name}: {mention.says}"


def _placement(candidate: Candidate, mention: Mention) -> Placement:
    graph = graph_of(candidate)
    runs = mention.driver.runs.get(graph)
    if not mention.works:
        return Placement(candidate.variant, "none", f"everything runs on the CPU: {mention.says}")
    if runs is None:
        return Placement(candidate.variant, "none", f"everything runs on the CPU: it reads no {candidate.format}")
    unsure = "" if runs.verified else " (not verified)"
    return Placement(candidate.variant, runs.share, f"{runs.why}{unsure}")


def graph_of(candidate: Candidate) -> Graph:
    """Return which kind of graph a candidate is: floats and blocks have other operators."""
    if candidate.format == "tflite":
        return "tflite"
    return "onnx-floats" if parse_recipe(candidate.recipe).bits <= {16, 32} else "onnx-blocks"
