"""export_encoder(): plan -> trace once -> rewrite each recipe -> judge, measure -> select -> pack, on one screen."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeslm import catalog
from edgeslm.encoders.accelerated import Accelerated, accelerated
from edgeslm.encoders.measure import EncoderMeasurement, measure_encoder
from edgeslm.encoders.pack import seal_encoder
from edgeslm.encoders.reference import cached_encoder, encoder_reference
from edgeslm.pack import check_free, publish, staging
from edgeslm.planning import Wish, plan_encoder_source
from edgeslm.profiler.aim import NO_LIMITS, Aim, Limits, Objective
from edgeslm.profiler.contender import NOT_MEASURED, Contender, QualityEvidence
from edgeslm.profiler.dataset import default_text
from edgeslm.profiler.encoder_quality import EncoderAssessment, assess_encoder, texts_of
from edgeslm.profiler.evidence import observed_from
from edgeslm.profiler.gate import gate_named
from edgeslm.profiler.select import Selection, select
from edgeslm.progress import silent
from edgeslm.source import Source, open_source, source_of
from edgeslm_agent.bundle import write_evidence
from edgeslm_agent.errors import EnvironmentProblem, GateFailed, Incompatible
from edgeslm_agent.host import PeakAnonymous
from edgeslm_exporters.encoder.convert import derive
from edgeslm_exporters.encoder.integer.convert import convert_integer
from edgeslm_exporters.encoder.modules import with_module_files
from edgeslm_exporters.encoder.recipes import parse_encoder_recipe
from edgeslm_exporters.encoder.spec import EncoderSpec, describe_encoder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgeslm.profiler.candidate import Candidate
    from edgeslm.profiler.dataset import Dataset
    from edgeslm.profiler.encoder_plan import EncoderPlan
    from edgeslm.profiler.gate import Gate
    from edgeslm.progress import Progress
    from edgeslm_agent.bundle import EncoderBundle


@dataclass(frozen=True)
class BuiltEncoder:
    """One candidate as a staged bundle, with what was observed of it."""

    candidate: Candidate
    bundle: EncoderBundle
    assessment: EncoderAssessment | None
    measurement: EncoderMeasurement | None

    @property
    def passed(self) -> bool:
        """Whether no gate objects."""
        return self.assessment is None or self.assessment.passed

    def contender(self) -> Contender:
        """Return what the selection needs to know."""
        measured = None if self.measurement is None else asdict(self.measurement)
        verdict = None if self.assessment is None else self.assessment.verdict
        quality = NOT_MEASURED
        if verdict is not None:
            quality = QualityEvidence("passed" if verdict.passed else "failed", verdict.gate, verdict.reasons)
        return Contender(self.candidate, observed_from(measured), quality)


@dataclass(frozen=True)
class EncoderExport:
    """A written bundle, how it was chosen, and what the export took (wall seconds, peak anonymous bytes)."""

    plan: EncoderPlan
    selection: Selection
    winner: BuiltEncoder
    bundle: EncoderBundle
    seconds: float
    peak_anonymous_bytes: int
    accelerated: tuple[Accelerated, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return the JSON of `edgeslm.selection/1`."""
        assessment = self.winner.assessment
        return {
            **self.selection.document(),
            "model": self.plan.model,
            "context": self.plan.context,
            "bundle": {"path": str(self.bundle.path), "id": self.bundle.bundle_id, "bytes": self.bundle.total_bytes},
            "quality": {"status": "not measured"} if assessment is None else assessment.document(),
            "accelerators": [found.document() for found in self.accelerated],
            "export": {"seconds": self.seconds, "peak_anonymous_bytes": self.peak_anonymous_bytes},
        }


def export_encoder(
    model: str,
    *,
    device: str,
    out: Path | None = None,
    memory: str | None = None,
    recipes: Sequence[str] = (),
    formats: Sequence[str] = ("onnx",),
    context: int | None = None,
    data: Dataset | None = None,
    objective: Objective = "speed",
    limits: Limits = NO_LIMITS,
    gate: str = "balanced",
    measured: bool = True,
    force: bool = False,
    progress: Progress = silent,
) -> EncoderExport:
    """Turn an encoder into the best bundle for a board and write it to `out` (default: a folder named after it).

    Every recipe named is built and competes; with none named the plan's best is built, then each more exact one, until
    one passes the gate. Raises NothingFits when the plan keeps nothing, GateFailed when no candidate passes,
    MissingExtra without optimum, and what opening and packing raise; then nothing is written.
    """
    began = time.perf_counter()
    bounds, profile = gate_named(gate), catalog.device(device, memory=memory)
    source, spec = open_encoder(model)
    wish = Wish(tuple(recipes), tuple(formats), context, Aim(objective, None, limits))
    planned = plan_encoder_source(source, profile, wish)
    planned.require_kept()
    near = out or Path(planned.kept[0].variant)
    check_free(near, None, force=force)
    with PeakAnonymous() as peak, ExitStack() as stack:
        reference = encoder_reference(source, spec, planned.context, progress)
        bench = _Bench(source, spec, reference, data or default_text(), bounds, measured, progress)
        built = []
        for candidate in planned.kept if recipes else planned.to_try:
            built.append(bench.build(candidate, stack.enter_context(staging(near))))
            if not recipes and built[-1].passed:
                break
        dropped = [Contender(candidate) for candidate in planned.candidates if not candidate.kept]
        contenders = [*(entry.contender() for entry in built), *dropped]
        selection = select(contenders, profile, wish.aim, gated=bounds is not None)
        winner = _winner(selection, built)
        shares = accelerated(winner.bundle, profile)
        bundle = publish(winner.bundle, out or Path(winner.candidate.variant), force=force)
    result = EncoderExport(
        planned, selection, winner, bundle, round(time.perf_counter() - began, 3), peak.bytes, shares
    )
    _write_evidence(result)
    return result


def evaluate_encoder(
    bundle: EncoderBundle, data: Dataset | None, *, reference: str | None, gate: str, progress: Progress = silent
) -> EncoderAssessment:
    """Measure a bundle's quality against its fp32 reference and remember it as the bundle's evidence.

    Raises Incompatible when `reference` is another checkpoint, EnvironmentProblem when no reference can be had.
    """
    bounds = gate_named(gate)
    found = _reference_for(bundle, reference, progress)
    assessment = assess_encoder(bundle, found, data or default_text(), bounds, progress)
    write_evidence(bundle, "quality", assessment.document())
    return assessment


def open_encoder(model: str) -> tuple[Source, EncoderSpec]:
    """Open an encoder's checkpoint and describe it."""
    source = open_source(model)
    source = replace(source, checkpoint=with_module_files(source.checkpoint))
    return source, describe_encoder(source.checkpoint)


@dataclass(frozen=True)
class _Bench:
    """What building a candidate takes. `data` judges; a part of it calibrates where a recipe needs that."""

    source: Source
    spec: EncoderSpec
    reference: EncoderBundle
    data: Dataset
    gate: Gate | None
    measured: bool
    progress: Progress

    def build(self, candidate: Candidate, folder: Path) -> BuiltEncoder:
        """Write, seal, judge and measure one candidate in an empty folder."""
        recipe = parse_encoder_recipe(candidate.recipe)
        calibration, judged = (self.data, self.data) if recipe == "fp32" else self.data.split()
        texts = texts_of(calibration)
        if candidate.format == "tflite":
            checkpoint = self.source.checkpoint
            artifact = convert_integer(checkpoint, self.spec, self.reference, recipe, texts=texts, out_dir=folder)
        else:
            artifact = derive(self.reference, recipe, texts, folder)
        bundle = seal_encoder(folder, self.source, self.spec, artifact, candidate.variant)
        assessment = None
        if self.gate is not None:
            assessment = assess_encoder(bundle, self.reference, judged, self.gate, self.progress)
        return BuiltEncoder(candidate, bundle, assessment, measure_encoder(bundle.path) if self.measured else None)


def _winner(selection: Selection, built: Sequence[BuiltEncoder]) -> BuiltEncoder:
    if selection.winner is not None:
        return next(entry for entry in built if entry.candidate == selection.winner.candidate)
    reasons = [
        f"{entry.candidate.variant}: {reason}"
        for entry in built
        if entry.assessment is not None and entry.assessment.verdict is not None
        for reason in entry.assessment.verdict.reasons
    ]
    raise GateFailed(
        "\n  ".join(["no candidate passed; nothing was written", *reasons]),
        "take --recipe fp32, or a looser --gate",
    )


def _reference_for(bundle: EncoderBundle, model: str | None, progress: Progress) -> EncoderBundle:
    manifest = bundle.manifest
    if model is None:
        cached = cached_encoder(manifest.model.digest, manifest.context)
        if cached is not None:
            return cached
        model = source_of(manifest.model)
    if model is None:
        raise EnvironmentProblem(
            f"the fp32 reference of {manifest.model.name} ({manifest.model.digest[:12]}) is not on this machine",
            "give the checkpoint it was made from with --reference MODEL",
        )
    source, spec = open_encoder(model)
    if source.checkpoint.digest() != manifest.model.digest:
        raise Incompatible(
            f"{model} is not the checkpoint that {manifest.variant} was made from",
            "give that checkpoint with --reference, or export the bundle again",
        )
    return encoder_reference(source, spec, manifest.context, progress)


def _write_evidence(result: EncoderExport) -> None:
    if result.winner.assessment is not None:
        write_evidence(result.bundle, "quality", result.winner.assessment.document())
    if result.winner.measurement is not None:
        write_evidence(result.bundle, "measure", asdict(result.winner.measurement))
    chosen = {**result.selection.document(), "accelerators": [found.document() for found in result.accelerated]}
    write_evidence(result.bundle, "selection", chosen)
