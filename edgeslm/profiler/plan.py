"""What would be built for a board, in which order, and why the rest would not: from headers alone, no weights read.

    recipes x formats, one context -> a candidate each (`variants.py`): kept, or dropped with every reason
    -> the kept by the objective (`ranking.py`), what each bound costs (`prices.py`), what is unknown (`unknown.py`)

Nothing here reads a file or a clock; equal inputs give equal plans.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from edgeslm.profiler.accelerators import accelerated
from edgeslm.profiler.aim import FASTEST, aim_document
from edgeslm.profiler.bounds import broken
from edgeslm.profiler.candidate import candidate_document
from edgeslm.profiler.escalation import escalation
from edgeslm.profiler.format_choice import both_timed
from edgeslm.profiler.outlook import estimated
from edgeslm.profiler.pareto import front
from edgeslm.profiler.prices import Entry, Price, prices
from edgeslm.profiler.ranking import candidate_cost, order, task_time
from edgeslm.profiler.unknown import unknowns
from edgeslm.profiler.variants import Variants
from edgeslm_agent.errors import NothingFits, UsageError
from edgeslm_exporters.formats import FORMATS
from edgeslm_exporters.recipe import parse_recipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgeslm.catalog import Profile
    from edgeslm.profiler.accelerators import Accelerated
    from edgeslm.profiler.aim import Aim, Objective
    from edgeslm.profiler.candidate import Candidate
    from edgeslm_exporters.decoder_spec import DecoderSpec
    from edgeslm_exporters.recipe import Recipe

DEFAULT_CONTEXT = 2048


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

    @property
    def calibrates(self) -> bool:
        """Whether something of what may be built learns from data, which then must not judge it."""
        return any(parse_recipe(candidate.recipe).calibrates for candidate in self.kept)

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
    variants = Variants(name, spec, profile, deployed_context(spec, context), aim)
    candidates = [variants.candidate(form, recipe) for recipe in _parsed(recipes) for form in formats]
    if recipes is None:
        candidates += variants.with_smaller_caches(candidates)
    planned = assembled(name, profile, variants.context, aim, candidates)
    return _with_accelerators(planned, variants, forms=recipes is None)


def _with_accelerators(planned: Plan, variants: Variants, *, forms: bool) -> Plan:
    """Add what the board's accelerators could run; `forms` also adds the forms they need, which nobody builds."""
    from edgeslm.catalog.accelerators import mentions

    found, needed = [], []
    for mention in mentions(variants.profile):
        candidate = variants.accelerator_form(mention)
        found.append(accelerated(mention, candidate.variant, variants.profile, planned.kept))
        needed.append(candidate)
    candidates = (*planned.candidates, *(needed if forms else ()))
    return replace(planned, candidates=candidates, accelerators=tuple(found))


def assembled(name: str, profile: Profile, context: int, aim: Aim, candidates: Sequence[Candidate]) -> Plan:
    """Return the plan of these candidates: in order, with their Pareto front and the prices of the bounds."""
    timed = both_timed(profile)
    judged = [(candidate, _entry(candidate, profile, aim, timed=timed)) for candidate in candidates]
    judged.sort(key=lambda one: (not one[0].kept, one[1].key))
    found = [candidate for candidate, _ in judged]
    kept = [candidate for candidate in found if candidate.kept]
    costs = [(c.estimate.peak_bytes.value, task_time(c, aim), c.weight_error) for c in kept]
    best = tuple(kept[index].variant for index in sorted(front(costs)))
    price = prices([entry for _, entry in judged])
    notes = tuple(unknowns(profile, aim, found))
    return Plan(name, profile.name, context, aim, profile.budget_bytes, tuple(found), best, price, notes=notes)


def _entry(candidate: Candidate, profile: Profile, aim: Aim, *, timed: bool) -> Entry:
    outlook = estimated(candidate, aim.task)
    breaks = broken(outlook, profile, aim.limits, built=False)
    possible = {one.reason for one in breaks}.issuperset(candidate.reasons)
    key = (*order(candidate, outlook, aim, timed=timed), candidate.variant)
    return Entry(candidate.variant, key, candidate_cost(candidate, outlook, aim), breaks, possible)


def deployed_context(spec: DecoderSpec, context: int | None) -> int:
    """Return the context asked for, or the smaller of 2048 and the model's.

    Raises UsageError for a context below 1.
    """
    if context is not None and context < 1:
        raise UsageError("the context must hold at least one token", "leave --context out for the default")
    return context or min(DEFAULT_CONTEXT, spec.max_positions)


def _parsed(names: Sequence[str] | None) -> list[Recipe]:
    if names is None:
        from edgeslm.catalog import recipes

        return [card.recipe for card in recipes()]
    return list(dict.fromkeys(parse_recipe(name) for name in names))
