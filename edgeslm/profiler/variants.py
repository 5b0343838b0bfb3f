"""The variants of one model for one board: each priced, with every reason against it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edgeslm.profiler.accelerators import form_reasons
from edgeslm.profiler.bounds import broken
from edgeslm.profiler.candidate import Candidate, variant_name
from edgeslm.profiler.estimate import decode_read_bytes, estimate
from edgeslm.profiler.outlook import estimated
from edgeslm.profiler.prior import weight_error
from edgeslm.profiler.task import usual_task
from edgeslm_exporters.formats import layout, unwritten
from edgeslm_exporters.recipe import parse_recipe
from edgeslm_exporters.refusal import refusals

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgeslm.catalog import Profile
    from edgeslm.catalog.accelerators import Mention
    from edgeslm.profiler.aim import Aim
    from edgeslm.profiler.task import Task
    from edgeslm_exporters.decoder_spec import DecoderSpec
    from edgeslm_exporters.matrices import AnyLayout
    from edgeslm_exporters.recipe import Recipe


@dataclass(frozen=True)
class Variants:
    """A model by name and spec, the board, the context and the aim: all that its variants have in common."""

    model: str
    spec: DecoderSpec
    profile: Profile
    context: int
    aim: Aim

    def candidate(self, form: str, recipe: Recipe) -> Candidate:
        """Return the variant of one format and recipe."""
        places = layout(form, self.spec, recipe, self.context)
        task = self.aim.task or usual_task(places.context)
        reasons = (*_form_reasons(form, recipe, places, self.profile), *_context_reasons(places, self.aim.task))
        candidate = Candidate(
            variant=variant_name(self.model, recipe.name, form, self.context),
            recipe=recipe.name,
            format=form,
            context=places.context,
            kept=not reasons,
            reasons=reasons,
            effective_bits=round(places.effective_bits, 4),
            weight_error=round(weight_error(places), 5),
            read_bytes=decode_read_bytes(places, task),
            estimate=estimate(places, self.profile, task),
        )
        return bounded(candidate, self.profile, self.aim)

    def with_smaller_caches(self, candidates: Sequence[Candidate]) -> Iterator[Candidate]:
        """Yield the dropped candidates that an 8-bit KV cache makes fit."""
        for dropped in [candidate for candidate in candidates if not candidate.kept]:
            recipe = replace(parse_recipe(dropped.recipe), kv_bits=8)
            smaller = replace(self, context=dropped.context).candidate(dropped.format, recipe)
            if smaller.kept:
                yield smaller

    def accelerator_form(self, mention: Mention) -> Candidate:
        """Return the form that an accelerator's driver needs, as a candidate that is not built.

        Its figures are those of the same weights on the CPU: nobody measured any of ours on an accelerator.
        """
        form = mention.driver.form
        like = self.candidate("onnx", parse_recipe(form.like))
        written = f"{form.format}-{mention.driver.name}"
        return replace(
            like,
            variant=variant_name(self.model, form.recipe, written, self.context),
            recipe=form.recipe,
            format=written,
            kept=False,
            reasons=form_reasons(mention, like.variant, self.profile),
        )


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
