"""Builds one candidate: convert, check the graph, seal the bundle, judge its quality, measure it on this machine.

What judges and measures is imported where it is used: an export that asks for neither is not kept waiting for it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from edgeslm.pack import seal
from edgeslm.profiler.contender import Contender
from edgeslm.profiler.evidence import observed_from, quality_from
from edgeslm_agent.errors import UnsupportedOperator
from edgeslm_exporters.export import convert, work_units
from edgeslm_exporters.formats import lint, load_runtime
from edgeslm_exporters.recipe import parse_recipe

if TYPE_CHECKING:
    from pathlib import Path

    from edgeslm.catalog import Profile
    from edgeslm.profiler.assess import Assessment
    from edgeslm.profiler.candidate import Candidate
    from edgeslm.profiler.dataset import Dataset
    from edgeslm.profiler.gate import Gate, Verdict
    from edgeslm.profiler.measure import Measurement
    from edgeslm.progress import Progress
    from edgeslm.source import Source
    from edgeslm_agent.bundle import Bundle


@dataclass(frozen=True)
class Built:
    """One candidate as a staged bundle, with what was observed of it."""

    candidate: Candidate
    bundle: Bundle
    assessment: Assessment | None
    measurement: Measurement | None
    calibrated_on: str | None = None

    @property
    def verdict(self) -> Verdict | None:
        """What the gate said, None when no gate was held against it."""
        return None if self.assessment is None else self.assessment.verdict

    @property
    def passed(self) -> bool:
        """Whether no gate objects."""
        return self.verdict is None or self.verdict.passed

    @property
    def line(self) -> str:
        """What became of it, in a sentence."""
        if self.verdict is None:
            return f"{self.candidate.variant} is built; no gate was held against it"
        passed = "passed" if self.verdict.passed else "failed"
        return "; ".join([f"{self.candidate.variant} {passed} the {self.verdict.gate} gate", *self.verdict.reasons])

    def contender(self) -> Contender:
        """Return what the selection needs to know."""
        measured = None if self.measurement is None else asdict(self.measurement)
        quality = None if self.assessment is None else self.assessment.document()
        return Contender(self.candidate, observed_from(measured), quality_from(quality))

    def attempt(self) -> dict[str, Any]:
        """Return the JSON object of `attempts[]`: what was built, and what the gate said (null: nothing)."""
        verdict = self.verdict
        return {
            "variant": self.candidate.variant,
            "recipe": self.candidate.recipe,
            "passed": None if verdict is None else verdict.passed,
            "calibrated_on": self.calibrated_on,
            "reasons": [] if verdict is None else list(verdict.reasons),
            "kld_mean": None if self.assessment is None else self.assessment.quality.kld_mean,
        }


@dataclass(frozen=True)
class Judging:
    """The data that quality is measured on (None: it is not), those to calibrate on (None: nothing does), the gate.

    Without a gate quality is measured and not judged.
    """

    data: Dataset | None
    calibration: Dataset | None
    gate: Gate | None


@dataclass(frozen=True)
class Workshop:
    """What building a candidate takes: the model, the board, and how it is judged and measured."""

    source: Source
    profile: Profile
    judging: Judging
    measured: bool
    genai: bool
    progress: Progress

    def build(self, candidate: Candidate, folder: Path) -> Built:
        """Build a candidate in an empty folder.

        Raises UnsupportedOperator for a graph the board must not run, and what converting and sealing raise.
        """
        bundle = self._convert(candidate, folder)
        calibration = self.judging.calibration if parse_recipe(candidate.recipe).calibrates else None
        assessment, seen = self._assess(bundle), self._measured(bundle)
        return Built(candidate, bundle, assessment, seen, None if calibration is None else calibration.name)

    def _convert(self, candidate: Candidate, folder: Path) -> Bundle:
        checkpoint, recipe = self.source.checkpoint, parse_recipe(candidate.recipe)
        texts = self._texts(candidate.context) if recipe.calibrates else []
        units = work_units(self.source.spec, recipe)
        with (
            ThreadPoolExecutor(1, "beside") as beside,
            self.progress(f"exporting {candidate.variant}", units) as advance,
        ):
            beside.submit(load_runtime, candidate.format)  # for the self-test, which raises again what this raises
            beside.submit(checkpoint.digest)  # the manifest needs it; taken while the weights are read anyway
            artifact = convert(
                checkpoint,
                recipe,
                candidate.context,
                folder,
                form=candidate.format,
                calibration=texts,
                genai=self.genai and candidate.format == "onnx",
                advance=advance,
            )
        problems = [problem for graph in artifact.graphs for problem in lint(folder / graph, self.profile.target())]
        if problems:
            raise UnsupportedOperator(
                f"{candidate.variant} is not fit for {self.profile.name}: {'; '.join(problems)}",
                "take another --recipe",
            )
        return seal(folder, checkpoint, self.source.label, artifact, candidate.variant)

    def _texts(self, context: int) -> list[tuple[int, ...]]:
        """Return the token ids to calibrate on, as the model reads them."""
        from edgeslm.profiler.quality import sequences
        from edgeslm.reference import reference_of
        from edgeslm_agent.engine.session import Session
        from edgeslm_exporters.calibrate import TOKENS

        assert self.judging.calibration is not None, "whoever plans a recipe that calibrates chooses the data"
        with Session.open(reference_of(self.source, context, self.progress)) as session:
            return [scored.token_ids for scored in sequences(session, self.judging.calibration, TOKENS)]

    def _assess(self, bundle: Bundle) -> Assessment | None:
        if self.judging.data is None:
            return None
        from edgeslm.profiler.assess import assess
        from edgeslm.reference import reference_of

        reference = reference_of(self.source, bundle.manifest.context, self.progress)
        return assess(bundle, reference, self.judging.data, self.judging.gate, self.progress)

    def _measured(self, bundle: Bundle) -> Measurement | None:
        if not self.measured:
            return None
        from edgeslm.profiler.measure import measure

        return measure(bundle.path)
