"""What would be built for a board, in which order, and why the rest would not: from headers alone, no weights read.

    recipes x formats, one context -> estimate each -> kept, or dropped with every reason -> the kept by the objective

Nothing here reads a file or a clock; equal inputs give equal plans.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

from edgeslm.catalog.litert import litert_missing
from edgeslm.profiler.escalation import escalation
from edgeslm.profiler.estimate import Estimate, decode_read_bytes, estimate
from edgeslm.profiler.prior import weight_error
from edgeslm_agent.errors import NothingFits, UsageError
from edgeslm_agent.units import format_bytes, format_count
from edgeslm_exporters.formats import FORMATS, layout, unwritten
from edgeslm_exporters.recipe import parse_recipe
from edgeslm_exporters.refusal import refusals

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgeslm.catalog import Profile
    from edgeslm.profiler.figure import Figure
    from edgeslm_exporters.decoder_spec import DecoderSpec
    from edgeslm_exporters.matrices import AnyLayout
    from edgeslm_exporters.recipe import Recipe

Objective = Literal["speed", "memory", "quality", "energy"]
OBJECTIVES: tuple[Objective, ...] = get_args(Objective)
DEFAULT_CONTEXT = 2048
# Estimates this close are equal, and the more exact recipe goes first: the best public fits of speed miss by 11 %.
SAME = 1.1


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

    `licence` is what the model card names, or ''; `notes` are sentences about where the weights come from.
    """

    model: str
    device: str
    context: int
    objective: Objective
    app_budget_bytes: int
    candidates: tuple[Candidate, ...]
    licence: str = ""
    notes: tuple[str, ...] = ()

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
        raise NothingFits(
            f"nothing of {self.model} fits {self.device}",
            "try a smaller model, a shorter --context, another --recipe, or a board with more memory",
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
            "objective": self.objective,
            "app_budget_bytes": self.app_budget_bytes,
            "to_try": [candidate.variant for candidate in self.to_try],
            "candidates": [candidate_document(candidate) for candidate in self.candidates],
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
    objective: Objective = "speed",
) -> Plan:
    """Plan the model `name` for a board; all recipes that ship, and the smaller of 2048 and its context, unless given.

    What ships and does not fit is also offered with an 8-bit KV cache, where that makes it fit.
    Raises UsageError for a recipe name outside the grammar, an unknown format or objective, or a context below 1.
    """
    if objective not in OBJECTIVES:
        raise UsageError(f"there is no objective '{objective}'", f"the objectives are {', '.join(OBJECTIVES)}")
    if unknown := [form for form in formats if form not in FORMATS]:
        raise UsageError(f"there is no format '{unknown[0]}'", f"the formats are {', '.join(FORMATS)}")
    tokens = deployed_context(spec, context)
    found = _parsed(recipes)
    candidates = [
        _candidate(name, form, recipe, spec, context=tokens, profile=profile) for recipe in found for form in formats
    ]
    if recipes is None:
        candidates += _smaller_caches(name, spec, profile, candidates)
    candidates.sort(key=lambda candidate: (not candidate.kept, order(candidate, objective), candidate.variant))
    return Plan(name, profile.name, tokens, objective, profile.budget_bytes, tuple(candidates))


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


def order(candidate: Candidate, objective: Objective) -> tuple[float, ...]:
    """Return the sort key of a candidate by its estimates, best first; near ties go to the more exact."""
    figures = candidate.estimate
    exactness = round(candidate.weight_error, 3)  # fp16 is as good as fp32
    keys: dict[Objective, tuple[float, ...]] = {
        "speed": (-_step(figures.decode_tps.value),),
        "memory": (_step(figures.peak_bytes.value),),
        "quality": (exactness, -_step(figures.decode_tps.value)),
        # Bytes moved cost most of the energy of a token (arXiv 2509.20189: energy = flops + bytes + idle power x time).
        "energy": (_step(candidate.read_bytes),),
    }
    return (*keys[objective], exactness, figures.peak_bytes.value)


def _step(value: float) -> int:
    return round(math.log(value) / math.log(SAME))


def _parsed(names: Sequence[str] | None) -> list[Recipe]:
    if names is None:
        from edgeslm.catalog import recipes

        return [card.recipe for card in recipes()]
    return list(dict.fromkeys(parse_recipe(name) for name in names))


def _smaller_caches(
    name: str, spec: DecoderSpec, profile: Profile, candidates: Sequence[Candidate]
) -> Iterator[Candidate]:
    """Yield the dropped candidates that an 8-bit KV cache makes fit."""
    for dropped in [candidate for candidate in candidates if not candidate.kept]:
        recipe = replace(parse_recipe(dropped.recipe), kv_bits=8)
        smaller = _candidate(name, dropped.format, recipe, spec, context=dropped.context, profile=profile)
        if smaller.kept:
            yield smaller


def _candidate(name: str, form: str, recipe: Recipe, spec: DecoderSpec, *, context: int, profile: Profile) -> Candidate:
    places = layout(form, spec, recipe, context)
    figures = estimate(places, profile)
    form_reasons = (*_form_reasons(form, recipe, places, profile), *_context_reasons(places))
    reasons = (*form_reasons, *memory_reasons(figures.peak_bytes, profile))
    return Candidate(
        variant=variant_name(name, recipe.name, form, context),
        recipe=recipe.name,
        format=form,
        context=places.context,
        kept=not reasons,
        reasons=reasons,
        effective_bits=round(places.effective_bits, 4),
        weight_error=round(weight_error(places), 5),
        read_bytes=decode_read_bytes(places),
        estimate=figures,
    )


def _form_reasons(form: str, recipe: Recipe, places: AnyLayout, profile: Profile) -> Iterator[str]:
    yield from unwritten(form, places.spec, recipe)
    if form == "tflite":
        yield from (f"no ai-edge-litert to install on {profile.name}: {why}" for why in litert_missing(profile))
    elif profile.onnxruntime.newest is None:
        yield f"no onnxruntime to install on {profile.name}: {profile.onnxruntime.how}"
    yield from refusals(recipe, places, profile.target())


def _context_reasons(places: AnyLayout) -> Iterator[str]:
    if places.context > places.spec.max_positions:
        yield f"context {places.context} is more than the model's {places.spec.max_positions}"


def memory_reasons(peak: Figure, profile: Profile) -> tuple[str, ...]:
    """Return why a peak is too much for the board, or nothing: the upper end of its range counts."""
    if peak.high <= profile.budget_bytes:
        return ()
    taken = f"took {format_bytes(peak.high)} on {peak.on}"
    what = taken if peak.basis == "measured" else f"needs up to {format_bytes(peak.high)}"
    return (f"{what} at its peak, {profile.name} leaves {format_bytes(profile.budget_bytes)}",)
