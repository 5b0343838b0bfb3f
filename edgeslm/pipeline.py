"""export(): plan -> convert -> check -> measure -> select -> pack, on one screen.

Candidates are built in temporary folders beside the result. Those that pass the gate compete; the winner's folder is
renamed to where the user wants it, the others vanish. When none passes, nothing is written.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeslm import catalog
from edgeslm.pack import check_free, publish, seal, staging
from edgeslm.planning import plan_source
from edgeslm.profiler.assess import Assessment, assess
from edgeslm.profiler.dataset import default_text
from edgeslm.profiler.evidence import observed_from, quality_from
from edgeslm.profiler.gate import gate_named
from edgeslm.profiler.measure import Measurement, measure
from edgeslm.profiler.select import Contender, Selection, select
from edgeslm.progress import silent
from edgeslm.reference import cached_reference, reference_of
from edgeslm.source import Source, open_source, own_tasks, source_of
from edgeslm_agent.bundle import Bundle, open_bundle, write_evidence
from edgeslm_agent.errors import EnvironmentProblem, GateFailed, Incompatible, UnsupportedOperator
from edgeslm_agent.host import PeakAnonymous
from edgeslm_exporters.architectures import describe
from edgeslm_exporters.export import convert, work_units
from edgeslm_exporters.onnx.linter import lint
from edgeslm_exporters.recipe import parse_recipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgeslm.catalog import Profile
    from edgeslm.profiler.dataset import Dataset
    from edgeslm.profiler.gate import Gate
    from edgeslm.profiler.plan import Candidate, Objective, Plan
    from edgeslm.progress import Progress

MOST_ATTEMPTS = 3  # candidates of the plan that are built until one passes the gate, when the user names no recipe


@dataclass(frozen=True)
class Built:
    """One candidate as a staged bundle, with what was observed of it."""

    candidate: Candidate
    bundle: Bundle
    assessment: Assessment | None
    measurement: Measurement | None

    def contender(self) -> Contender:
        """Return what the selection needs to know."""
        measured = None if self.measurement is None else asdict(self.measurement)
        quality = None if self.assessment is None else self.assessment.document()
        return Contender(self.candidate, observed_from(measured), quality_from(quality))


@dataclass(frozen=True)
class ExportResult:
    """A written bundle, how it was chosen, and what the export took (wall seconds, peak anonymous bytes)."""

    plan: Plan
    selection: Selection
    winner: Built
    bundle: Bundle
    seconds: float
    peak_anonymous_bytes: int

    def document(self) -> dict[str, Any]:
        """Return the JSON of `edgeslm.selection/1`."""
        built = {contender["variant"] for contender in self.selection.document()["candidates"]}
        quality = {"status": "not measured"} if self.winner.assessment is None else self.winner.assessment.document()
        return {
            **self.selection.document(),
            "model": self.plan.model,
            "context": self.plan.context,
            "not_built": [c.variant for c in self.plan.kept if c.variant not in built],
            "bundle": {"path": str(self.bundle.path), "id": self.bundle.bundle_id, "bytes": self.bundle.total_bytes},
            "quality": quality,
            "export": {"seconds": self.seconds, "peak_anonymous_bytes": self.peak_anonymous_bytes},
        }


def export(
    model: str | None = None,
    *,
    device: str,
    out: str | Path | None = None,
    memory: str | None = None,
    recipes: Sequence[str] = (),
    formats: Sequence[str] = ("onnx",),
    context: int | None = None,
    data: Dataset | None = None,
    objective: Objective = "speed",
    gate: str = "balanced",
    measured: bool = True,
    force: bool = False,
    genai: bool = False,
    progress: Progress = silent,
) -> ExportResult:
    """Turn a model into the best bundle for a board and write it to `out` (default: a folder named after the variant).

    Every recipe named is built and competes; with none named the plan's best is built, then the next, until one passes
    the gate. `measured` also measures each on this machine; `genai` adds what onnxruntime-genai needs to load the
    artefacts. Raises NothingFits when the plan keeps nothing, GateFailed when no candidate passes, and what opening,
    converting and packing raise; then nothing is written.
    """
    began = time.perf_counter()
    bounds = gate_named(gate)
    profile = catalog.device(device, memory=memory)
    source = open_source(model)
    planned = plan_source(source, profile, recipes=recipes, formats=formats, context=context, objective=objective)
    planned.require_kept()
    target = Path(out) if out is not None else Path(planned.kept[0].variant)
    check_free(target, None, force=force)
    with PeakAnonymous() as peak, ExitStack() as stack:
        workshop = _Workshop(source, profile, data, bounds, measured, genai, progress)
        built = _build(stack, planned, workshop, target, every=bool(recipes))
        dropped = [Contender(candidate) for candidate in planned.candidates if not candidate.kept]
        contenders = [*(entry.contender() for entry in built), *dropped]
        selection = select(contenders, profile, objective, gated=bounds is not None)
        winner = _winner(selection, built)
        bundle = publish(winner.bundle, target if out is not None else Path(winner.candidate.variant), force=force)
    seconds = round(time.perf_counter() - began, 3)
    result = ExportResult(planned, selection, winner, bundle, seconds, peak.bytes)
    _write_evidence(result)
    return result


def evaluate_bundle(
    path: Path, data: Dataset | None, *, reference: str | None, gate: str, progress: Progress = silent
) -> Assessment:
    """Measure a bundle's quality against its fp32 reference and remember it as the bundle's evidence.

    Raises Incompatible when `reference` is another checkpoint, EnvironmentProblem when no reference can be had.
    """
    bounds = gate_named(gate)
    bundle = open_bundle(path)
    found = _reference_for(bundle, reference, progress)
    chosen = data or own_tasks(bundle.manifest.model.source) or default_text()
    assessment = assess(bundle, found, chosen, bounds, progress)
    write_evidence(bundle, "quality", assessment.document())
    return assessment


@dataclass(frozen=True)
class _Workshop:
    """What building a candidate takes: the model, the board, and how it is judged and measured."""

    source: Source
    profile: Profile
    data: Dataset | None
    gate: Gate | None
    measured: bool
    genai: bool
    progress: Progress

    def build(self, candidate: Candidate, folder: Path) -> Built:
        """Convert into the folder, check the graph, seal the bundle, judge and measure it."""
        bundle = self._convert(candidate, folder)
        return Built(candidate, bundle, self._assess(bundle), measure(bundle.path) if self.measured else None)

    def _convert(self, candidate: Candidate, folder: Path) -> Bundle:
        checkpoint = self.source.checkpoint
        units = work_units(describe(checkpoint.config, checkpoint.shapes))
        with (
            ThreadPoolExecutor(1, "digest") as beside,
            self.progress(f"exporting {candidate.variant}", units) as advance,
        ):
            beside.submit(checkpoint.digest)  # the manifest needs it; taken while the weights are read anyway
            recipe = parse_recipe(candidate.recipe)
            artifact = convert(checkpoint, recipe, candidate.context, folder, genai=self.genai, advance=advance)
        problems = [problem for graph in artifact.graphs for problem in lint(folder / graph, self.profile.target())]
        if problems:
            raise UnsupportedOperator(
                f"{candidate.variant} is not fit for {self.profile.name}: {'; '.join(problems)}",
                "take another --recipe",
            )
        return seal(folder, checkpoint, self.source.label, artifact, candidate.variant)

    def _assess(self, bundle: Bundle) -> Assessment | None:
        if self.gate is None:
            return None
        reference = reference_of(self.source, bundle.manifest.context, self.progress)
        data = self.data or own_tasks(self.source.label) or default_text()
        return assess(bundle, reference, data, self.gate, self.progress)


def _build(stack: ExitStack, planned: Plan, workshop: _Workshop, target: Path, *, every: bool) -> list[Built]:
    """Build every kept candidate, or the plan's best and then the next until one passes the gate."""
    built: list[Built] = []
    for candidate in planned.kept if every else planned.to_try(MOST_ATTEMPTS):
        built.append(workshop.build(candidate, stack.enter_context(staging(target))))
        last = built[-1].assessment
        if not every and (last is None or last.passed):
            break
    return built


def _winner(selection: Selection, built: Sequence[Built]) -> Built:
    if selection.winner is not None:
        return next(entry for entry in built if entry.candidate.variant == selection.winner.candidate.variant)
    tried = {entry.candidate.variant for entry in built}
    reasons = [
        f"{entry.contender.candidate.variant}: {reason}"
        for entry in selection.rejected
        if entry.contender.candidate.variant in tried
        for reason in entry.reasons
    ]
    raise GateFailed(
        "\n  ".join(["no candidate passed; nothing was written", *reasons]),
        "take a more exact --recipe (`edgeslm plan` lists them), or a looser --gate",
    )


def _reference_for(bundle: Bundle, model: str | None, progress: Progress) -> Bundle:
    manifest = bundle.manifest
    if model is None:
        cached = cached_reference(manifest.model.digest, manifest.context)
        if cached is not None:
            return cached
        model = source_of(manifest.model.source)
    if model is None:
        raise EnvironmentProblem(
            f"the fp32 reference of {manifest.model.name} ({manifest.model.digest[:12]}) is not on this machine",
            "give the checkpoint it was made from with --reference MODEL",
        )
    source = open_source(model)
    if source.checkpoint.digest() != manifest.model.digest:
        raise Incompatible(
            f"{model} is not the checkpoint that {manifest.variant} was made from",
            "give that checkpoint with --reference, or export the bundle again",
        )
    return reference_of(source, manifest.context, progress)


def _write_evidence(result: ExportResult) -> None:
    if result.winner.assessment is not None:
        write_evidence(result.bundle, "quality", result.winner.assessment.document())
    if result.winner.measurement is not None:
        write_evidence(result.bundle, "measure", asdict(result.winner.measurement))
    write_evidence(result.bundle, "selection", result.selection.document())
