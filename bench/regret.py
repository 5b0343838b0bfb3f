"""How much is lost by choosing from estimates instead of measuring everything?

Two random models, every recipe and format the plan offers of a list, three contexts: each variant is exported and
measured, all of them in every round. Then, for budgets, contexts and objectives, the plan chooses from its
estimates for this machine alone, and the choice is priced on the measurements: its regret is how much more it costs
than the best variant whose measured peak keeps the budget. A choice that breaks its budget counts as lost, one that is
not made although something fits as refused. Beside it stands what one round of measuring everything would have chosen,
priced on the others: how well the measurement knows itself.

    python -m bench.regret --prepare     exports the variants (minutes; a busy machine will do)
    python -m bench.regret --measure     measures them (30 minutes on a slow machine), then prices
    python -m bench.regret --more 8      measures in eight more rounds on top of those that are there
    edgeslm measure --probe              what estimates rest on: without it they are a profile's, and choose worse
    python -m bench.regret               prices the choices on the last measurement
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from bench import machine
from bench.checkpoint import SMOLLM2_135M, random_checkpoint
from bench.harness import RESULTS, Target, ask, publish
from bench.models import DEVICE, KEPT
from edgeslm import catalog
from edgeslm.planning import Wish, plan_source
from edgeslm.profiler.aim import Aim, Limits, Objective
from edgeslm.profiler.figure import exact
from edgeslm.profiler.outlook import Outlook, answer_time, cost
from edgeslm.profiler.reach import record_at
from edgeslm.profiler.task import Task, usual_task
from edgeslm.source import open_source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.checkpoint import Shape
    from bench.harness import Figures
    from edgeslm.catalog import Profile
    from edgeslm.profiler.candidate import Candidate
    from edgeslm.profiler.plan import Plan

SMALL = replace(
    SMOLLM2_135M,
    name="llama-33m-random",
    hidden=384,
    intermediate=1024,
    layers=12,
    heads=6,
    kv_heads=2,
    vocab=32000,
    seed=33,
)
SHAPES = (SMOLLM2_135M, SMALL)
CONTEXTS = (256, 1024, 2048)
FORMATS = ("onnx", "tflite")
RECIPES = (
    "wi4b32-afp32", "wi4b128-afp32", "wu4b32-afp32", "wi4b32-afp32-hi8b32", "wi8-afp32", "wi8b32-afp32", "fp16", "fp32",
    "wi4b32-afp32-kv8",
)  # fmt: skip
ANSWER = 32
ROUNDS = 3  # of measuring everything, some minutes apart: the machine is shared, and a median belongs to no minute
BUDGETS = 9  # memory sizes a model and context: from a little more than the smallest variant to a little more than all
MB = 2**20
VARIANTS = "regret-variants"
BY_A_ROUND = "chosen by one round of measuring"


@dataclass(frozen=True)
class Case:
    """One question: a model at a context, what is wanted, within how many bytes."""

    model: str
    context: int
    aim: Aim


@dataclass(frozen=True)
class Priced:
    """A case with what was chosen and what would have been best; costs in seconds or bytes, None: nothing."""

    case: Case
    chosen: str | None
    best: str | None
    regret: float | None
    broke_budget: bool

    def __str__(self) -> str:
        """Return the case in a line, as in `m 1024 decode 200 MB: v1 instead of v2, regret 7.1 %`."""
        case, aim = self.case, self.case.aim
        lost = "none chosen" if self.regret is None else f"regret {100 * self.regret:.1f} %"
        room = f"{(aim.limits.memory_bytes or 0) / 1e6:.0f} MB"
        task = "" if aim.task is None else f" of {aim.task}"
        return f"{case.model} {case.context} {aim.objective}{task} {room}: {self.chosen} instead of {self.best}, {lost}"


def main() -> None:
    """Prepare, measure or price, and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prepare", action="store_true", help="export what is missing, and stop")
    parser.add_argument("--measure", action="store_true", help="measure every variant anew")
    parser.add_argument("--more", type=int, default=0, help="measure in so many more rounds, on a noisy machine")
    parser.add_argument("--shape", choices=[shape.name for shape in SHAPES], help="this model only, for a try")
    options = parser.parse_args()
    shapes = [shape for shape in SHAPES if options.shape in (None, shape.name)]
    profile = catalog.device("here")
    if options.prepare:
        for variant, _ in bundles(shapes, profile):
            print(variant)
        return
    if options.measure:
        measure(shapes, profile, ROUNDS, {})
    elif options.more:
        measure(shapes, profile, options.more, _table())
    price(shapes, profile)


def plan_for(shape: Shape, context: int, profile: Profile, aim: Aim) -> Plan:
    """Plan the variants of this bench: what this machine may run, and nothing that was not measured."""
    source = open_source(str(random_checkpoint(shape)))
    return plan_source(source, profile, Wish(RECIPES, FORMATS, context, aim))


def bundles(shapes: Sequence[Shape], profile: Profile) -> list[tuple[str, Path]]:
    """Return every variant that may run here with its bundle, exported on the first call."""
    found = []
    for shape in shapes:
        for context in CONTEXTS:
            for candidate in plan_for(shape, context, profile, Aim()).kept:
                folder = KEPT / "regret" / candidate.variant
                if not folder.is_dir():
                    subprocess.run(_export(shape, candidate, folder), check=True, stdout=subprocess.DEVNULL)
                found.append((candidate.variant, folder))
    return found


def _export(shape: Shape, candidate: Candidate, folder: Path) -> list[str | Path]:
    """Return the command that exports one variant, for the board of all benches: the graph is the same here."""
    what = ["--recipe", candidate.recipe, "--format", candidate.format, "--context", str(candidate.context)]
    how = ["--device", DEVICE, *what, "--gate", "none", "--no-measure", "--force"]
    return [sys.executable, "-m", "edgeslm", "export", random_checkpoint(shape), *how, "-o", folder]


def tasks(context: int) -> tuple[Task, Task]:
    """Return the short task, which all figures are for where none is named, and one that fills most of the context."""
    short = usual_task(context)
    return short, Task(context * 5 // 8, ANSWER)


def measure(shapes: Sequence[Shape], profile: Profile, rounds: int, before: dict[str, Any]) -> None:
    """Measure every variant in fresh processes and write the table, after the rounds of one measured `before`.

    Rounds after the first are brief: what a shared machine loses in half a minute stays lost for the whole of a visit,
    so many short ones tell more than few long ones. They take the peak, which no clock moves, from the first.
    """
    prepared = bundles(shapes, profile)
    idle = machine.idle_share()
    samples: dict[str, list[Figures]] = {variant: [] for variant, _ in prepared}
    if before:
        if before["versions"] != _versions() or set(before["sides"]) != set(samples):
            raise SystemExit("what was measured before had other versions or variants: use --measure")
        idle = min(idle, before["settings"]["idle_before"])
        samples = {variant: list(side["rounds"]) for variant, side in before["sides"].items()}
    for _ in range(rounds):
        for variant, folder in prepared:
            context = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["context"]
            lengths = [str(task.prompt) for task in tasks(context)]
            command: list[str | Path] = [sys.executable, "-m", "bench.sides.task_side", folder, str(ANSWER), *lengths]
            if earlier := samples[variant]:
                samples[variant].append({**ask([*command, "--brief"]), "peak_rss_mb": earlier[0]["peak_rss_mb"]})
            else:
                samples[variant].append(ask(command))
    settings = {"rounds": min(map(len, samples.values())), "answer_tokens": ANSWER, "idle_before": idle}
    publish(VARIANTS, samples, [], _versions(), settings)


def _table() -> dict[str, Any]:
    """Return what was measured on this machine."""
    table: dict[str, Any] = json.loads((RESULTS / machine.slug() / f"{VARIANTS}.json").read_text(encoding="utf-8"))
    return table


def price(shapes: Sequence[Shape], profile: Profile) -> None:
    """Choose from estimates in every case, price the choices on the table, and publish."""
    table = _table()
    seen: dict[str, Figures] = {variant: side["median"] for variant, side in table["sides"].items()}
    asked = {case: shape for shape in shapes for case in cases(shape.name, seen)}
    priced = [priced_case(case, planned(shape, case, profile), seen) for case, shape in asked.items()]
    groups = {"all": priced} | {
        name: [one for one in priced if one.case.aim.objective == name] for name in get_args(Objective)
    }
    samples = {name: [summary(group)] for name, group in groups.items() if group}
    samples[BY_A_ROUND] = [summary(group) for group in by_rounds(list(asked), table["sides"])]
    for one in priced:
        if one.regret is None or one.regret > 0.05 or one.broke_budget:
            print(one)
    everything = samples["all"][0]
    targets = [
        Target("cases", everything["cases"], 200, at_least=True),
        Target("cases with a regret of at most 5 %", sum(map(_is_good, priced)), 200, at_least=True),
        Target("cases with a regret of at most 5 %", everything["within_5_percent"], 100, at_least=True, unit=" %"),
        Target("mean regret", everything["mean_regret"], 5, at_least=False, unit=" %"),
        Target("budgets broken", everything["broken"], 0, at_least=False),
    ]
    rounds = min(len(side["rounds"]) for side in table["sides"].values())
    record = None if profile.probed is None else record_at(profile.probed)
    probed = "the profile" if record is None else f"{record.probes} probes, the last of {record.taken}"
    about = {
        "measured": VARIANTS,
        "rounds": rounds,
        "idle_before": table["settings"]["idle_before"],
        "estimates_rest_on": probed,
    }
    publish("regret", samples, targets, _versions(), about)


def cases(model: str, seen: dict[str, Figures]) -> list[Case]:
    """Return every (budget, context, objective) of a model: budgets spaced evenly by factors over what was measured."""
    found = []
    for context in CONTEXTS:
        short, long = tasks(context)
        peaks = [figures["peak_rss_mb"] for variant, figures in seen.items() if _is(variant, model, context)]
        low, high = min(peaks) * 1.15, max(peaks) * 1.15
        for step in range(BUDGETS):
            limits = Limits(memory_bytes=low * (high / low) ** (step / (BUDGETS - 1)) * 1e6)
            wanted: tuple[tuple[Objective, Task | None], ...] = (
                ("decode", None), ("first-token", None), ("speed", short), ("speed", long), ("memory", None)
            )  # fmt: skip
            found += [Case(model, context, Aim(objective, task, limits)) for objective, task in wanted]
    return found


def planned(shape: Shape, case: Case, profile: Profile) -> str | None:
    """Return what the plan chooses from its estimates."""
    kept = plan_for(shape, case.context, profile, case.aim).kept
    return kept[0].variant if kept else None


def priced_case(case: Case, chosen: str | None, seen: dict[str, Figures]) -> Priced:
    """Return how much more what was chosen in a case costs than the best that fits."""
    fitting = fitting_costs(case, seen)
    best = min(fitting, key=fitting.__getitem__, default=None)
    if chosen is None or best is None:
        return Priced(case, chosen, best, 0.0 if chosen == best else None, broke_budget=False)
    cost_of_chosen = measured_cost(seen[chosen], case)
    return Priced(case, chosen, best, cost_of_chosen / fitting[best] - 1, broke_budget=chosen not in fitting)


def fitting_costs(case: Case, seen: dict[str, Figures]) -> dict[str, float]:
    """Return the cost of every variant whose measured peak keeps the budget."""
    most = case.aim.limits.memory_bytes or 0
    return {
        variant: measured_cost(figures, case)
        for variant, figures in seen.items()
        if _is(variant, case.model, case.context) and figures["peak_rss_mb"] * 1e6 <= most
    }


def by_rounds(asked: Sequence[Case], sides: dict[str, Any]) -> Iterator[list[Priced]]:
    """Yield for each round how choices made on it alone do on the others: what measuring everything once would lose."""
    for held in range(min(len(side["rounds"]) for side in sides.values())):
        alone = {variant: side["rounds"][held] for variant, side in sides.items()}
        others = {
            variant: {
                name: statistics.median(seen[name] for place, seen in enumerate(side["rounds"]) if place != held)
                for name in side["rounds"][held]
            }
            for variant, side in sides.items()
        }
        chosen = [fitting_costs(case, alone) for case in asked]
        yield [
            priced_case(case, min(costs, key=costs.__getitem__, default=None), others)
            for case, costs in zip(asked, chosen, strict=True)
        ]


def measured_cost(figures: Figures, case: Case) -> float:
    """Return the cost of a measured variant, as the selection counts it."""
    task = case.aim.task or usual_task(case.context)
    first = exact(figures[f"first_token_{task.prompt}_s"], "s", "measured", "host")
    decode = exact(figures[f"decode_{task.prompt}_tps"], "tokens/s", "measured", "host")
    peak = exact(figures["peak_rss_mb"] * 1e6, "bytes", "measured", "host")
    outlook = Outlook(peak, first, decode, answer_time(first, decode, task))
    return cost(outlook, case.aim, weight_error=0.0, read_bytes=0.0)


def summary(group: Sequence[Priced]) -> Figures:
    """Return how a group of cases went: counts, and percentages of regret where a choice was made."""
    regrets = [100 * one.regret for one in group if one.regret is not None]
    return {
        "cases": len(group),
        "within_5_percent": 100 * sum(map(_is_good, group)) / len(group),
        "mean_regret": statistics.fmean(regrets),
        "worst_regret": max(regrets),
        "broken": sum(one.broke_budget for one in group),
        "refused": sum(one.regret is None for one in group),
    }


def _is_good(one: Priced) -> bool:
    return one.regret is not None and one.regret <= 0.05 and not one.broke_budget


def _is(variant: str, model: str, context: int) -> bool:
    name, _, _, tokens = variant.rsplit("_", 3)
    return name == model and tokens == (f"{context // 1024}k" if context % 1024 == 0 else str(context))


def _versions() -> dict[str, dict[str, str]]:
    packages = ("edgeslm", "onnxruntime", "ai-edge-litert", "numpy")
    return {"edgeslm": machine.versions_in(Path(sys.executable), *packages)}


if __name__ == "__main__":
    main()
