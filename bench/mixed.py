"""Does a mix of storages lose less than every uniform recipe of its size?

For the built-in model and the two that bench/shakespeare.py trains: the sensitivity of every class of weights is
measured on calibration data, a mix is solved for the size of each uniform recipe, and all of them are measured on held
out data that calibrated nothing. KL is that of the fp32 export, in nats a token; nothing here depends on a clock.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bench import machine
from bench.environments import CACHE
from bench.harness import RESULTS, Target, publish
from edgeslm import builtin, catalog
from edgeslm.mixing import REMEMBERED_BYTES, Trials
from edgeslm.profiler.dataset import Dataset, read_tasks
from edgeslm.profiler.quality import MAX_SCORED_TOKENS, Remembered
from edgeslm.profiler.sensitivity import Goal, recipe_of
from edgeslm.progress import silent
from edgeslm.reference import reference_of
from edgeslm.source import calibration_beside, open_source
from edgeslm_agent.engine.session import Session

if TYPE_CHECKING:
    from bench.harness import Figures
    from edgeslm.profiler.sensitivity import Sensitivity
    from edgeslm_exporters.recipe import Recipe

DEVICE = "x86-avx512-vnni-server"  # it runs every form
SIZES = ("5m", "12m")


@dataclass(frozen=True)
class Side:
    """A recipe of one model, measured; `target` is the size it was solved for (None: it is uniform)."""

    model: str
    recipe: Recipe
    target: int | None
    bytes: int
    bits: float
    kld: float
    expected: float | None

    @property
    def name(self) -> str:
        """How the table calls it."""
        mixed = "" if self.target is None else f", mixed for {self.target / 1e3:.0f} kB"
        return f"{self.model}: {self.recipe.name}{mixed}"

    def figures(self, uniform: list[Side]) -> Figures:
        """Return its columns; for a mix also up to which size no uniform recipe is better."""
        figures = {"weights_kb": self.bytes / 1e3, "bits_a_weight": self.bits, "kld_mean": self.kld}
        if self.expected is None:
            return figures
        better = [other.bytes for other in uniform if other.kld < self.kld]
        beaten = [other.bytes for other in uniform if other.bytes < min(better, default=other.bytes + 1)]
        return {**figures, "expected_kld": self.expected, "beats_uniform_to_kb": max(beaten, default=0) / 1e3}


def main() -> None:
    """Measure every model once (there is nothing to repeat) and publish; models not named keep their results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="*", default=["home", *SIZES], choices=["home", *SIZES])
    models = parser.parse_args().models
    samples, targets = _kept({"home", *SIZES} - set(models))
    for model in models:
        sides = _measured(model)
        uniform = [side for side in sides if side.target is None]
        samples |= {side.name: [side.figures(uniform)] for side in sides}
        targets += [_target(side, uniform) for side in sides if side.target is not None]
    versions = {"edgeslm": machine.versions_in(Path(sys.executable), "edgeslm", "onnxruntime", "numpy")}
    publish("mixed", samples, targets, versions, {"held_out_tokens": MAX_SCORED_TOKENS})


def _kept(models: set[str]) -> tuple[dict[str, list[Figures]], list[Target]]:
    """Return the earlier results of these models, as far as there are any."""
    path = RESULTS / machine.slug() / "mixed.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"sides": {}, "targets": []}
    samples = {name: side["rounds"] for name, side in known["sides"].items() if name.partition(":")[0] in models}
    fields = [{name: value for name, value in target.items() if name != "met"} for target in known["targets"]]
    return samples, [Target(**target) for target in fields if target["name"].partition(",")[0] in models]


def _target(side: Side, uniform: list[Side]) -> Target:
    assert side.target is not None
    best = min(other.kld for other in uniform if other.bytes <= side.target)
    name = f"{side.model}, {side.target / 1e3:.0f} kB: KL of the mix / of the best uniform recipe that fits"
    return Target(name, side.kld / best, 1.0, at_least=False, unit="x")


def _measured(model: str) -> list[Side]:
    """Return every uniform recipe and, for the size of each, the mix."""
    source = open_source(None if model == "home" else str(_trained(model)))
    calibration, held_out = _built_in(source.label) if model == "home" else _texts(model)
    with TemporaryDirectory(dir=CACHE) as folder:
        context = source.spec.max_positions
        trials = Trials(source, catalog.device(DEVICE), context, calibration, Path(folder) / model, silent)
        found = trials.sensitivity()
        with Session.open(reference_of(source, context, silent)) as opened:
            reference = Remembered(opened, REMEMBERED_BYTES)

            def side(recipe: Recipe, target: int | None, expected: float | None) -> Side:
                places = trials.layout(recipe)
                kld = trials.divergence(recipe, reference, held_out, MAX_SCORED_TOKENS)
                print(f"{model} {recipe.name}: {places.weights_bytes} bytes, KL {kld:.6f}", file=sys.stderr, flush=True)
                return Side(model, recipe, target, places.weights_bytes, places.effective_bits, kld, expected)

            uniform = [side(recipe, None, None) for recipe in trials.uniform()]
            mixes = [side(*_solved(found, size)) for size in sorted({side.bytes for side in uniform})]
    return sorted([*uniform, *mixes], key=lambda side: (side.target or side.bytes, side.target is not None))


def _solved(found: Sensitivity, size: int) -> tuple[Recipe, int, float]:
    (mix,) = found.mixes_for(Goal(size, None))
    return recipe_of(mix), size, mix.kld


def _built_in(label: str) -> tuple[Dataset, Dataset]:
    """Return the calibration tasks of the built-in model, and all that it is judged by."""
    calibration, judged = calibration_beside(label, None, None)
    templates = read_tasks(builtin.tasks("templates"))
    return calibration, Dataset("unseen combinations and templates", tasks=(*judged.tasks, *templates.tasks))


def _trained(size: str) -> Path:
    folder = CACHE / f"shakespeare-{size}"
    if not (folder / "losses.json").is_file():
        raise SystemExit(f"{folder} is not trained: see bench/shakespeare.py")
    return folder


def _texts(size: str) -> tuple[Dataset, Dataset]:
    """Return calibration text from what the model learned, and the tenth it never saw."""
    folder = _trained(size)
    training, held_out = ((folder / name).read_text(encoding="utf-8") for name in ("training.txt", "held-out.txt"))
    return Dataset("the text it was trained on", text=training), Dataset("the last tenth of the text", text=held_out)


if __name__ == "__main__":
    main()
