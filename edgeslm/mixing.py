"""Mixed precision by measured sensitivity: what to store in which bits, for a size or for a gate.

    for each class of tensors and each storage the board runs: everything fp32 but this class -> KL on calibration data
    -> options, each with exact bytes -> the front of the best mixes -> one for the size, or several for the gate

The sums are predictions: the mixes are built and measured like any candidate, on data that calibrated nothing, beside
the uniform recipes that would do as well if the sums were wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edgeslm import catalog
from edgeslm.course import Course
from edgeslm.pack import assemble, staging
from edgeslm.planning import plan_source
from edgeslm.profiler.export_memory import Stage, largest_stage
from edgeslm.profiler.knapsack import Option
from edgeslm.profiler.quality import Remembered, mean_divergence
from edgeslm.profiler.sensitivity import Sensitivity, recipe_of
from edgeslm.reference import reference_of
from edgeslm_agent.engine.session import Session
from edgeslm_exporters.export import convert
from edgeslm_exporters.onnx.layout import layout
from edgeslm_exporters.recipe import TENSOR_CLASSES, Recipe, parse_recipe
from edgeslm_exporters.refusal import refusals

if TYPE_CHECKING:
    from pathlib import Path

    from edgeslm.catalog import Profile
    from edgeslm.planning import Wish
    from edgeslm.profiler.aim import Objective
    from edgeslm.profiler.dataset import Dataset
    from edgeslm.profiler.quality import Scorer
    from edgeslm.profiler.sensitivity import Goal
    from edgeslm.progress import Progress
    from edgeslm.source import Source
    from edgeslm_exporters.onnx.layout import Layout
    from edgeslm_exporters.recipe import Storage, TensorClass

# A few unlikely tokens make most of a mean KL, so more tokens calibrate better; for larger models they cost more.
MOST_TOKENS, FEWEST_TOKENS = 16_384, 2_048
WEIGHTS_TIMES_TOKENS = 3e11
REMEMBERED_BYTES = 256 * 2**20  # logits of the reference that are computed once instead of once an option


@dataclass(frozen=True)
class Trials:
    """A model at the context it is deployed with, a board, what calibrates, and where trial exports go for a moment."""

    source: Source
    profile: Profile
    context: int
    calibration: Dataset | None
    near: Path
    progress: Progress

    def uniform(self) -> tuple[Recipe, ...]:
        """Return the recipes of one quantised storage that ship and that the board can run."""
        shipped = (card.recipe for card in catalog.recipes())
        plain = [r for r in shipped if r.uniform and r.bits <= {4, 8} and r.algorithm is None and r.kv_bits is None]
        target = self.profile.target()
        return tuple(recipe for recipe in plain if not refusals(recipe, self.layout(recipe), target))

    def layout(self, recipe: Recipe) -> Layout:
        """Return where a recipe's bytes would lie."""
        return layout(self.source.spec, recipe, self.context)

    def stage(self) -> Stage:
        """Return what measuring the sensitivity takes of this machine's memory."""
        exact = self.layout(parse_recipe("fp32"))
        beside = largest_stage(exact, exact, compared=True)
        return Stage("measuring what each class of weights loses", beside.bytes + REMEMBERED_BYTES)

    def sensitivity(self) -> Sensitivity:
        """Measure what every class loses in every storage of the uniform recipes, one at a time, all else fp32.

        Raises what converting and running a model raise.
        """
        assert self.calibration is not None, "a mix needs data to calibrate on"
        calibration = self.calibration
        storages = [recipe.qkv for recipe in self.uniform()]
        label, units = "measuring what each class of weights loses", len(storages) * len(TENSOR_CLASSES)
        with (
            Session.open(reference_of(self.source, self.context, self.progress)) as opened,
            self.progress(label, units) as advance,
        ):
            reference, tokens = Remembered(opened, REMEMBERED_BYTES), calibration_tokens(self.source.spec.parameters)

            def option(name: TensorClass, storage: Storage) -> Option:
                alone = _only(name, storage)
                kld = self.divergence(alone, reference, calibration, tokens)
                advance(1)
                return Option(storage, class_bytes(self.layout(alone), name), kld)

            options = {name: [option(name, storage) for storage in storages] for name in TENSOR_CLASSES}
        exact = self.layout(_only("qkv", "fp32"))
        fixed = exact.weights_bytes - sum(class_bytes(exact, name) for name in TENSOR_CLASSES)
        return Sensitivity(calibration.name, fixed, options)

    def divergence(self, recipe: Recipe, reference: Scorer, data: Dataset, most_tokens: int) -> float:
        """Export a recipe for a moment and return its KL from the reference, in nats a token."""
        checkpoint = self.source.checkpoint
        with staging(self.near) as folder:
            artifact = convert(checkpoint, recipe, self.context, folder)
            bundle = assemble(folder, checkpoint, self.source.label, artifact, f"{checkpoint.name}_{recipe.name}")
            with Session.open(bundle, check_probe=False) as candidate:
                return mean_divergence(candidate, reference, data, most_tokens)


def calibration_tokens(parameters: int) -> int:
    """Return how many tokens each option is measured on."""
    return int(min(MOST_TOKENS, max(FEWEST_TOKENS, WEIGHTS_TIMES_TOKENS / parameters)))


def _only(name: TensorClass, storage: Storage) -> Recipe:
    floats: dict[TensorClass, Storage] = dict.fromkeys(TENSOR_CLASSES, "fp32")
    return Recipe.of({**floats, name: storage})


def mixed_course(trials: Trials, wish: Wish, goal: Goal) -> Course:
    """Measure, solve, and return what to build: the mixes in turn, and the uniform recipes that could do as well.

    Those are all that fit a size, and all that are smaller than the first mix for a gate.
    Raises NothingFits when nothing fits the size or the board.
    """
    found = trials.sensitivity()
    mixes = found.mixes_for(goal)
    names = [recipe_of(mix).name for mix in mixes]
    most = goal.most_bytes if goal.most_bytes is not None else found.weights_bytes(mixes[0]) - 1
    fitting = [recipe.name for recipe in trials.uniform() if trials.layout(recipe).weights_bytes <= most]
    objective: Objective = "memory" if goal.most_bytes is None else "quality"
    aim = replace(wish.aim, objective=objective)
    built = replace(wish, recipes=(*names, *fitting), target_size=None, aim=aim)
    planned = plan_source(trials.source, trials.profile, built)
    planned.require_kept()
    steps = sorted((c for c in planned.kept if c.recipe in names), key=lambda c: names.index(c.recipe))
    rivals = tuple(candidate for candidate in planned.kept if candidate.recipe not in names)
    return Course(planned, tuple(steps), rivals, found.document(mixes))


def class_bytes(places: Layout, name: TensorClass) -> int:
    """Return the bytes a class of tensors takes in the file, up to where the next tensor begins.

    With those of the other classes and of all other tensors they add up to the file, whatever the others are.
    """
    matrices = [matrix for matrix in places.matrices if matrix.projection.tensor_class == name]
    prefixes = tuple(f"{matrix.projection.name}." for matrix in matrices)
    ends = [*(tensor.offset for tensor in places.tensors[1:]), places.weights_bytes]
    spans = zip(places.tensors, ends, strict=True)
    return sum(end - tensor.offset for tensor, end in spans if tensor.name.startswith(prefixes))
