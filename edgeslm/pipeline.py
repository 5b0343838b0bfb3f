"""export(): plan -> convert -> check -> measure -> select -> pack, on one screen.

Candidates are built in temporary folders beside the result. Those that pass the gate compete; the winner's folder is
renamed to where the user wants it, the others vanish. When none passes, nothing is written.

What only some exports need is imported where it is used: a small model is written in the time that takes.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeslm import catalog
from edgeslm.course import affordable, plain_course, require_memory
from edgeslm.pack import check_free, publish, staging
from edgeslm.planning import Wish, plan_source
from edgeslm.profiler.aim import NO_LIMITS, Aim, Limits, Objective
from edgeslm.profiler.contender import Contender
from edgeslm.profiler.format_reason import with_format_reason
from edgeslm.profiler.gate import gate_for, gate_named
from edgeslm.profiler.plan import deployed_context
from edgeslm.profiler.select import select
from edgeslm.progress import silent, untold
from edgeslm.source import calibration_beside, open_source, own_tasks, source_of
from edgeslm.workshop import Judging, Workshop
from edgeslm_agent.bundle import open_bundle, write_evidence
from edgeslm_agent.errors import EnvironmentProblem, GateFailed, Incompatible, UsageError
from edgeslm_agent.host import PeakAnonymous

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgeslm.catalog import Profile
    from edgeslm.course import Course
    from edgeslm.profiler.assess import Assessment
    from edgeslm.profiler.dataset import Dataset
    from edgeslm.profiler.gate import Gate
    from edgeslm.profiler.plan import Plan
    from edgeslm.profiler.select import Selection
    from edgeslm.profiler.task import Task
    from edgeslm.progress import Progress, Tell
    from edgeslm.source import Source
    from edgeslm.workshop import Built
    from edgeslm_agent.bundle import Bundle


@dataclass(frozen=True)
class ExportResult:
    """A written bundle, how it was chosen, and what the export took (wall seconds, peak anonymous bytes).

    `attempts` are what was built, in the order it was built; `litertlm` is the file for LiteRT-LM, if asked for.
    """

    course: Course
    selection: Selection
    attempts: tuple[Built, ...]
    winner: Built
    bundle: Bundle
    seconds: float
    peak_anonymous_bytes: int
    litertlm: Path | None = None

    @property
    def plan(self) -> Plan:
        """The plan that the candidates come from."""
        return self.course.plan

    def choice(self) -> dict[str, Any]:
        """Return how the bundle was chosen, as JSON-ready data: `evidence/selection.json`."""
        mixed = {} if self.course.mixed is None else {"mixed": self.course.mixed}
        return {**self.selection.document(), "attempts": [built.attempt() for built in self.attempts], **mixed}

    def document(self) -> dict[str, Any]:
        """Return the JSON of `edgeslm.selection/1`."""
        built = {contender["variant"] for contender in self.selection.document()["candidates"]}
        quality = {"status": "not measured"} if self.winner.assessment is None else self.winner.assessment.document()
        return {
            **self.choice(),
            "model": self.plan.model,
            "context": self.plan.context,
            "not_built": [c.variant for c in self.plan.kept if c.variant not in built],
            "bundle": {"path": str(self.bundle.path), "id": self.bundle.bundle_id, "bytes": self.bundle.total_bytes},
            **({} if self.litertlm is None else {"litertlm": {"path": str(self.litertlm.resolve())}}),
            "quality": quality,
            "export": {"seconds": self.seconds, "peak_anonymous_bytes": self.peak_anonymous_bytes},
        }


def export(
    model: str | None = None,
    *,
    device: str,
    adapter: str | Path | None = None,
    out: str | Path | None = None,
    memory: str | None = None,
    recipes: Sequence[str] = (),
    formats: Sequence[str] = (),
    context: int | None = None,
    target_size: int | None = None,
    max_ram: int | None = None,
    data: Dataset | None = None,
    calibration: Dataset | None = None,
    objective: Objective = "speed",
    task: Task | None = None,
    limits: Limits = NO_LIMITS,
    gate: str = "balanced",
    measured: bool = True,
    force: bool = False,
    genai: bool = False,
    litertlm: Path | None = None,
    progress: Progress = silent,
    tell: Tell = untold,
) -> ExportResult:
    """Turn a model into the best bundle for a board and write it to `out` (default: a folder named after the variant).

    `adapter` is the folder of a LoRA adapter, merged before anything else.
    Every recipe named is built and competes; with none named bits are added step by step until one passes the gate, and
    of several formats named each is built in the recipe that passed. No format named is the plan's choice.
    The recipe `mixed` is solved for: the best mix of storages whose weights take at most `target_size` bytes (which
    alone asks for it too), or the smallest that passes the gate; it calibrates on `calibration`. `measured` also
    measures each on this machine; `genai` adds what onnxruntime-genai needs to load the artefacts, `litertlm` names
    the file that packs them once more, for LiteRT-LM. `max_ram` bounds the anonymous bytes that the export takes.
    `tell` hears how each step did.
    Raises NothingFits when nothing may be built, EnvironmentProblem when `max_ram` allows nothing, GateFailed when no
    candidate passes, and what opening, converting and packing raise; then nothing is written.
    """
    began = time.perf_counter()
    bounds, profile = gate_named(gate), catalog.device(device, memory=memory)
    source = open_source(model, adapter=adapter)
    written = tuple(formats) or (("onnx",) if genai else ())
    wish = Wish(tuple(recipes), written, context, Aim(objective, task, limits), target_size, max_ram)
    if genai and "onnx" not in wish.formats:
        raise UsageError("onnxruntime-genai loads ONNX graphs only", "leave --genai out, or add --format onnx")
    if litertlm is not None:
        _check_litertlm(litertlm, wish, force=force)
    planned = None if wish.mixed else plan_source(source, profile, wish)
    learns = planned is None or planned.calibrates
    judging = _judging(source, wish, data, calibration, bounds, learns=learns)
    near = Path(out) if out is not None else Path(source.checkpoint.name)
    if out is not None:
        check_free(near, None, force=force)
    with PeakAnonymous() as peak, ExitStack() as stack:
        if planned is None:
            course = _mixed(source, profile, wish, judging, near, progress=progress)
        else:
            course = plain_course(planned, wish)
        course = _affordable(course, source, wish, judging, tell)
        workshop = Workshop(source, profile, judging, measured, genai, progress)
        built = _build(stack, course, workshop, near, tell)
        built += _twins(stack, course, workshop, near, built) if len(wish.formats) > 1 else []
        dropped = [Contender(candidate) for candidate in course.plan.candidates if not candidate.kept]
        contenders = [*(entry.contender() for entry in built), *dropped]
        selection = with_format_reason(select(contenders, profile, course.plan.aim, gated=bounds is not None))
        winner = _winner(selection, built)
        if course.mixed is not None and winner.candidate not in course.steps:
            tell(f"{winner.candidate.variant} does better than every mix: it is taken")
        bundle = publish(winner.bundle, near if out is not None else Path(winner.candidate.variant), force=force)
        if litertlm is not None:
            _write_litertlm(litertlm, bundle, source)
    seconds = round(time.perf_counter() - began, 3)
    result = ExportResult(course, selection, tuple(built), winner, bundle, seconds, peak.bytes, litertlm)
    _write_evidence(result)
    return result


def _check_litertlm(path: Path, wish: Wish, *, force: bool) -> None:
    if set(wish.formats) != {"tflite"}:
        raise UsageError("LiteRT-LM runs TFLite only", "add --format tflite, and no other")
    if path.exists() and not force:
        raise UsageError(f"{path} exists", "choose another --litertlm, or give --force")


def _write_litertlm(path: Path, bundle: Bundle, source: Source) -> None:
    from edgeslm_exporters.tflite.litertlm import write_litertlm
    from edgeslm_exporters.tflite.llm_metadata import llm_metadata

    write_litertlm(path, bundle, llm_metadata(source.checkpoint, bundle.manifest.context))


def evaluate_bundle(
    path: Path,
    data: Dataset | None,
    *,
    reference: str | None,
    adapter: str | Path | None = None,
    gate: str,
    progress: Progress = silent,
) -> Assessment:
    """Measure a bundle's quality against its fp32 reference and remember it as the bundle's evidence.

    `adapter` is merged into `reference`.

    Raises Incompatible when `reference` is another checkpoint, EnvironmentProblem when no reference can be had.
    """
    from edgeslm.profiler.assess import assess
    from edgeslm.profiler.dataset import default_text

    bounds = gate_named(gate)
    bundle = open_bundle(path)
    found = _reference_for(bundle, reference, adapter, progress)
    chosen = data or own_tasks(bundle.manifest.model.source) or default_text()
    assessment = assess(bundle, found, chosen, bounds, progress)
    write_evidence(bundle, "quality", assessment.document())
    return assessment


def _judging(
    source: Source, wish: Wish, data: Dataset | None, calibration: Dataset | None, gate: Gate | None, *, learns: bool
) -> Judging:
    """Choose the data: the user's, else the model's own, else the default text; never the same for both ends."""
    asked = gate is not None or wish.aim.limits.kld_mean is not None
    if not learns and not asked:
        return Judging(None, None, gate)
    from edgeslm.profiler.dataset import default_text

    if not learns:
        return Judging(data or own_tasks(source.label) or default_text(), None, gate)
    calibration, judged = calibration_beside(source.label, data, calibration)
    return Judging(judged if asked or wish.mixed else None, calibration, gate)


def _affordable(course: Course, source: Source, wish: Wish, judging: Judging, tell: Tell) -> Course:
    """Leave out what `--max-ram` does not allow, and say so. Raises EnvironmentProblem when that is everything."""
    if wish.max_ram is None:
        return course
    course, reasons = affordable(course, source.spec, wish.max_ram, compared=judging.data is not None)
    for reason in reasons:
        tell(reason)
    return course


def _mixed(source: Source, profile: Profile, wish: Wish, judging: Judging, near: Path, *, progress: Progress) -> Course:
    """Solve for a mix. Raises EnvironmentProblem when `--max-ram` does not allow what that measures."""
    from edgeslm.mixing import Trials, mixed_course
    from edgeslm.profiler.sensitivity import Goal

    trials = Trials(source, profile, deployed_context(source.spec, wish.context), judging.calibration, near, progress)
    if wish.max_ram is not None:
        require_memory(trials.stage(), wish.max_ram)
    gate = judging.gate
    if gate is not None and judging.data is not None:
        gate = gate_for(gate, trials.source.spec.parameters, json_tasks=judging.data.json_tasks)
    return mixed_course(trials, wish, Goal(wish.target_size, None if gate is None else gate.kld_mean))


def _twins(stack: ExitStack, course: Course, workshop: Workshop, near: Path, built: Sequence[Built]) -> list[Built]:
    """Build what passed in the other formats too."""
    made = {entry.candidate.variant for entry in built}
    like = [entry.candidate.recipe for entry in built if entry.passed]
    twins = [c for c in course.plan.kept if c.recipe in like and c.variant not in made]
    return [workshop.build(candidate, stack.enter_context(staging(near))) for candidate in twins]


def _build(stack: ExitStack, course: Course, workshop: Workshop, near: Path, tell: Tell) -> list[Built]:
    """Build the steps until one passes the gate, saying how each did, and then every rival."""
    built: list[Built] = []
    for candidate in course.steps:
        built.append(workshop.build(candidate, stack.enter_context(staging(near))))
        tell(built[-1].line)
        if built[-1].passed and _diverges_little(built[-1], course.plan.aim.limits):
            break
    built += [workshop.build(candidate, stack.enter_context(staging(near))) for candidate in course.rivals]
    return built


def _diverges_little(built: Built, limits: Limits) -> bool:
    """Whether a candidate keeps the user's own limit on divergence, where there is one."""
    if limits.kld_mean is None:
        return True
    return built.assessment is not None and built.assessment.quality.kld_mean <= limits.kld_mean


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


def _reference_for(bundle: Bundle, model: str | None, adapter: str | Path | None, progress: Progress) -> Bundle:
    from edgeslm.reference import cached_reference, reference_of

    manifest = bundle.manifest
    if model is None:
        cached = cached_reference(manifest.model.digest, manifest.context)
        if cached is not None:
            return cached
        model = source_of(manifest.model)
    if model is None:
        raise EnvironmentProblem(
            f"the fp32 reference of {manifest.model.name} ({manifest.model.digest[:12]}) is not on this machine",
            "give the checkpoint it was made from with --reference MODEL, and its --adapter if it had one",
        )
    source = open_source(model, adapter=adapter)
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
    write_evidence(result.bundle, "selection", result.choice())
