"""What would be built for a board, in which order, and why the rest would not: from headers alone, no weights read.

    recipes x formats, one context -> estimate each -> kept, or dropped with every reason -> the kept by the objective

Nothing here reads a file or a clock; equal inputs give equal plans.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from edgeslm.profiler.accelerators import accelerated, form_reasons
from edgeslm.profiler.aim import FASTEST
from edgeslm.profiler.bounds import broken
from edgeslm.profiler.escalation import escalation
from edgeslm.profiler.estimate import Estimate, decode_read_bytes, estimate
from edgeslm.profiler.format_choice import DEFAULT, LEAD
from edgeslm.profiler.outlook import cost, estimated
from edgeslm.profiler.pareto import front
from edgeslm.profiler.prices import Entry, Price, prices
from edgeslm.profiler.prior import weight_error
from edgeslm.profiler.task import usual_task
from edgeslm_agent.errors import NothingFits, UsageError
from edgeslm_agent.units import format_count
from edgeslm_exporters.formats import FORMATS, layout, unwritten
from edgeslm_exporters.recipe import parse_recipe
from edgeslm_exporters.refusal import refusals

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgeslm.catalog import Profile
    from edgeslm.catalog.accelerators import Mention
    from edgeslm.profiler.accelerators import Accelerated
    from edgeslm.profiler.aim import Aim, Objective
    from edgeslm.profiler.outlook import Outlook
    from edgeslm.profiler.task import Task
    from edgeslm_exporters.decoder_spec import DecoderSpec
    from edgeslm_exporters.matrices import AnyLayout
    from edgeslm_exporters.recipe import Recipe

DEFAULT_CONTEXT = 2048
# Estimates this close are equal, and the more exact recipe goes first. Variants of one model on one board share most of
# their error, so their order is surer than their speeds (11 % off at best), and the band is narrow.
SAME = 1.04


@dataclass(frozen=True)
class Candidate:
    """One variant of the plan. `reasons` say why it was dropped; a kept one has none.

    `effective_bits` are the bits a weight takes, scales and padding included; `weight_error` is the relative error its
    recipe is likely to leave in the weights; `read_bytes` is what a token reads.
    """

    variant: str
    recipe: str
    format: str
    context: int
    kept: bool
    reasons: tuple[str, ...]
    effective_bits: float
    weight_error: float
    read_bytes: float
    estimate: Estimate


@dataclass(frozen=True)
class Plan:
    """The candidates for one model on one board: the kept in the order of the objective, then the dropped.

    `pareto` names the kept that no other beats in memory, time and exactness at once; `prices` say what each bound
    keeps out, the binding one first. `licence` is what the model card names, or ''; `notes` are sentences about what is
    unknown and where the weights come from; `accelerators` what the board's could run.
    """

    model: str
    device: str
    context: int
    aim: Aim
    app_budget_bytes: int
    candidates: tuple[Candidate, ...]
    pareto: tuple[str, ...] = ()
    prices: tuple[Price, ...] = ()
    licence: str = ""
    notes: tuple[str, ...] = ()
    accelerators: tuple[Accelerated, ...] = ()

    @property
    def objective(self) -> Objective:
        """What decides between the kept."""
        return self.aim.objective

    @property
    def kept(self) -> tuple[Candidate, ...]:
        """The candidates that may be built, best first."""
        return tuple(candidate for candidate in self.candidates if candidate.kept)

    @property
    def to_try(self) -> tuple[Candidate, ...]:
        """What to build until one passes the gate: the best, then each time one that is more exact."""
        return escalation(self.kept)

    def require_kept(self) -> None:
        """Raise NothingFits with every reason when no candidate is kept."""
        if self.kept:
            return
        reasons = [f"{candidate.variant}: {reason}" for candidate in self.candidates for reason in candidate.reasons]
        price = f"; {self.prices[0].sentence()}" if self.prices else ""
        raise NothingFits(
            f"nothing of {self.model} fits {self.device}{price}",
            "try a smaller model, a shorter --context, another --recipe, looser limits, or a board with more memory",
            reasons,
        )

    def document(self) -> dict[str, Any]:
        """Return the plan as JSON-ready data, with the keys of `edgeslm.plan/1`."""
        return {
            "model": self.model,
            "licence": self.licence,
            "notes": list(self.notes),
            "device": self.device,
            "context": self.context,
            **aim_document(self.aim, self.prices),
            "app_budget_bytes": self.app_budget_bytes,
            "pareto": list(self.pareto),
            "to_try": [candidate.variant for candidate in self.to_try],
            "accelerators": [accelerator.document() for accelerator in self.accelerators],
            "candidates": [candidate_document(candidate) for candidate in self.candidates],
        }


def aim_document(aim: Aim, prices: Sequence[Price]) -> dict[str, Any]:
    """Return what was wanted and what the bounds cost, as JSON-ready data; `binding` is null when nothing is lost."""
    return {
        "objective": aim.objective,
        "task": None if aim.task is None else asdict(aim.task),
        "limits": {name: bound for name, bound in asdict(aim.limits).items() if bound is not None},
        "binding": {**asdict(prices[0]), "sentence": prices[0].sentence()} if prices else None,
        "prices": [asdict(price) for price in prices],
    }


def candidate_document(candidate: Candidate) -> dict[str, Any]:
    """Return one candidate as JSON-ready data, figures included."""
    return asdict(candidate)


def plan(
    name: str,
    spec: DecoderSpec,
    profile: Profile,
    *,
    recipes: Sequence[str] | None = None,
    formats: Sequence[str] = ("onnx",),
    context: int | None = None,
    aim: Aim = FASTEST,
) -> Plan:
    """Plan the model `name` for a board; all recipes that ship, and the smaller of 2048 and its context, unless given.

    What ships and does not fit is also offered with an 8-bit KV cache, where that makes it fit.
    Raises UsageError for a recipe name outside the grammar, an unknown format, or a context below 1.
    """
    if unknown := [form for form in formats if form not in FORMATS]:
        raise UsageError(f"there is no format '{unknown[0]}'", f"the formats are {', '.join(FORMATS)}")
    tokens = deployed_context(spec, context)
    found = _parsed(recipes)
    candidates = [
        _candidate(name, form, recipe, spec, context=tokens, profile=profile, aim=aim)
        for recipe in found
        for form in formats
    ]
    if recipes is None:
        candidates += _smaller_caches(name, spec, profile, aim, candidates)
    planned = assembled(name, profile, tokens, aim, candidates)
    return _with_accelerators(planned, spec, profile, forms=recipes is None)


def _with_accelerators(planned: Plan, spec: DecoderSpec, profile: Profile, *, forms: bool) -> Plan:
    """Add what the board's accelerators could run; `forms` also adds the forms they need, which nobody builds."""
    from edgeslm.catalog.accelerators import mentions

    found, needed = [], []
    for mention in mentions(profile):
        candidate = _accelerator_form(mention, planned, spec, profile)
        found.append(accelerated(mention, candidate.variant, profile, planned.kept))
        needed.append(candidate)
    candidates = (*planned.candidates, *(needed if forms else ()))
    return replace(planned, candidates=candidates, accelerators=tuple(found))


def _accelerator_form(mention: Mention, planned: Plan, spec: DecoderSpec, profile: Profile) -> Candidate:
    """Return the form that a driver needs, as a candidate that is not built.

    Its figures are those of the same weights on the CPU: nobody measured any of ours on an accelerator.
    """
    form = mention.driver.form
    like = _candidate(
        planned.model, "onnx", parse_recipe(form.like), spec, context=planned.context, profile=profile, aim=planned.aim
    )
    written = f"{form.format}-{mention.driver.name}"
    return replace(
        like,
        variant=variant_name(planned.model, form.recipe, written, planned.context),
        recipe=form.recipe,
        format=written,
        kept=False,
        reasons=form_reasons(mention, like.variant, profile),
    )


def assembled(name: str, profile: Profile, context: int, aim: Aim, candidates: Sequence[Candidate]) -> Plan:
    """Return the plan of these candidates: in order, with their Pareto front and the prices of the bounds."""
    found = sorted(candidates, key=lambda c: (not c.kept, order(c, estimated(c, aim.task), aim), c.variant))
    kept = [candidate for candidate in found if candidate.kept]
    costs = [(c.estimate.peak_bytes.value, _time(c, aim), c.weight_error) for c in kept]
    best = tuple(kept[index].variant for index in sorted(front(costs)))
    price = prices([_entry(candidate, profile, aim) for candidate in found])
    notes = tuple(_unknown(profile, aim, found))
    return Plan(name, profile.name, context, aim, profile.budget_bytes, tuple(found), best, price, notes=notes)


def _unknown(profile: Profile, aim: Aim, candidates: Sequence[Candidate]) -> Iterator[str]:
    if profile.probed is not None:
        from edgeslm.profiler.reach import told

        yield told(profile.probed)
    if aim.objective == "energy" and any(candidate.estimate.energy_j is None for candidate in candidates):
        yield energy_unknown(profile.name)
    if aim.limits.kld_mean is not None:
        yield "divergence is not known before a variant is built: --max-divergence is held against it then"


def energy_unknown(board: str) -> str:
    """Return what an order by energy rests on where nobody knows the energy."""
    return f"the energy of an answer on {board} is unknown: ordered by the bytes a token reads, which cost most of it"


def deployed_context(spec: DecoderSpec, context: int | None) -> int:
    """Return the context asked for, or the smaller of 2048 and the model's.

    Raises UsageError for a context below 1.
    """
    if context is not None and context < 1:
        raise UsageError("the context must hold at least one token", "leave --context out for the default")
    return context or min(DEFAULT_CONTEXT, spec.max_positions)


def variant_name(model: str, recipe: str, form: str, context: int) -> str:
    """Return MODEL_RECIPE_FORMAT_CONTEXT, for example `home_wi4b32-afp32_onnx_256`."""
    return f"{model}_{recipe}_{form}_{format_count(context)}"


def order(candidate: Candidate, guess: Outlook, aim: Aim) -> tuple[float, ...]:
    """Return the sort key of a candidate by its estimates, best first.

    Near ties go to the more exact, then to the smaller file; another format than ONNX must be better by a lead.
    """
    exactness = round(candidate.weight_error, 3)  # fp16 is as good as fp32
    other = candidate.format != DEFAULT
    lead = LEAD if other else 1.0
    if aim.objective == "quality":
        wanted: tuple[float, ...] = (exactness, _step(lead / guess.decode_tps.value))
    else:
        wanted = (_step(lead * _cost(candidate, guess, aim)),)
    return (*wanted, exactness, other, candidate.estimate.weights_bytes.value, guess.peak_bytes.value)


def _cost(candidate: Candidate, outlook: Outlook, aim: Aim) -> float:
    return cost(outlook, aim, weight_error=candidate.weight_error, read_bytes=candidate.read_bytes)


def _time(candidate: Candidate, aim: Aim) -> float:
    """Return the seconds of the task, or of a token where none is named."""
    return _cost(candidate, estimated(candidate, aim.task), replace(aim, objective="speed"))


def _entry(candidate: Candidate, profile: Profile, aim: Aim) -> Entry:
    outlook = estimated(candidate, aim.task)
    breaks = broken(outlook, profile, aim.limits, built=False)
    possible = {one.reason for one in breaks}.issuperset(candidate.reasons)
    key = (*order(candidate, outlook, aim), candidate.variant)
    return Entry(candidate.variant, key, _cost(candidate, outlook, aim), breaks, possible)


def _step(value: float) -> int:
    return round(math.log(value) / math.log(SAME))


def _parsed(names: Sequence[str] | None) -> list[Recipe]:
    if names is None:
        from edgeslm.catalog import recipes

        return [card.recipe for card in recipes()]
    return list(dict.fromkeys(parse_recipe(name) for name in names))


def _smaller_caches(
    name: str, spec: DecoderSpec, profile: Profile, aim: Aim, candidates: Sequence[Candidate]
) -> Iterator[Candidate]:
    """Yield the dropped candidates that an 8-bit KV cache makes fit."""
    for dropped in [candidate for candidate in candidates if not candidate.kept]:
        recipe = replace(parse_recipe(dropped.recipe), kv_bits=8)
        smaller = _candidate(name, dropped.format, recipe, spec, context=dropped.context, profile=profile, aim=aim)
        if smaller.kept:
            yield smaller


def _candidate(
    name: str, form: str, recipe: Recipe, spec: DecoderSpec, *, context: int, profile: Profile, aim: Aim
) -> Candidate:
    places = layout(form, spec, recipe, context)
    task = aim.task or usual_task(places.context)
    reasons = (*_form_reasons(form, recipe, places, profile), *_context_reasons(places, aim.task))
    candidate = Candidate(
        variant=variant_name(name, recipe.name, form, context),
        recipe=recipe.name,
        format=form,
        context=places.context,
        kept=not reasons,
        reasons=reasons,
        effective_bits=round(places.effective_bits, 4),
        weight_error=round(weight_error(places), 5),
        read_bytes=decode_read_bytes(places, task),
        estimate=estimate(places, profile, task),
    )
    return bounded(candidate, profile, aim)


def bounded(candidate: Candidate, profile: Profile, aim: Aim) -> Candidate:
    """Return the candidate with the bounds that its estimates break among its reasons."""
    breaks = broken(estimated(candidate, aim.task), profile, aim.limits, built=False)
    reasons = (*candidate.reasons, *(one.reason for one in breaks))
    return replace(candidate, kept=not reasons, reasons=reasons)


def _form_reasons(form: str, recipe: Recipe, places: AnyLayout, profile: Profile) -> Iterator[str]:
    yield from unwritten(form, places.spec, recipe)
    if form == "tflite":
        if profile.litert is not None and profile.litert.newest is None:
            yield f"no ai-edge-litert to install on {profile.name}: {profile.litert.how}"
    elif profile.onnxruntime.newest is None:
        yield f"no onnxruntime to install on {profile.name}: {profile.onnxruntime.how}"
    yield from refusals(recipe, places, profile.target())


def _context_reasons(places: AnyLayout, task: Task | None) -> Iterator[str]:
    if places.context > places.spec.max_positions:
        yield f"context {places.context} is more than the model's {places.spec.max_positions}"
    if task is not None and task.tokens > places.context:
        yield f"a task of {task.tokens} tokens does not fit a context of {places.context}"
