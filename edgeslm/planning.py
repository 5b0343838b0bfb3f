"""plan() for a model and a board by name: opens the headers, reads the profile, and plans."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edgeslm import catalog
from edgeslm.profiler.aim import FASTEST, NO_LIMITS, Aim, Limits, Objective
from edgeslm.profiler.format_choice import DEFAULT, format_notes, working_formats
from edgeslm.profiler.plan import Plan
from edgeslm.profiler.plan import plan as plan_variants
from edgeslm.source import Source, open_source
from edgeslm_agent.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edgeslm.catalog import Profile
    from edgeslm.profiler.encoder_plan import EncoderPlan
    from edgeslm.profiler.task import Task


MIXED = "mixed"  # the recipe that is solved for instead of being named


@dataclass(frozen=True)
class Wish:
    """What the user asked for: no recipe or format leaves the choice to us, `mixed` or a `target_size` asks for a mix.

    `max_ram` are the bytes of anonymous memory that the export itself may take.

    Raises UsageError when a mix is asked for beside other recipes.
    """

    recipes: tuple[str, ...]
    formats: tuple[str, ...]
    context: int | None
    aim: Aim = FASTEST
    target_size: int | None = None
    max_ram: int | None = None

    def __post_init__(self) -> None:
        """Check that recipes and size do not contradict each other."""
        if self.mixed and any(recipe != MIXED for recipe in self.recipes):
            raise UsageError(
                "a mix is solved for, so no other --recipe can be named beside it",
                "leave --recipe out, or --target-size",
            )
        if self.mixed and self.formats not in ((), ("onnx",)):
            raise UsageError("a mix is solved for among the forms of ONNX", "leave --format out, or name a --recipe")

    @property
    def mixed(self) -> bool:
        """Whether the recipe is to be solved for."""
        return MIXED in self.recipes or self.target_size is not None


def plan(
    model: str | None = None,
    *,
    device: str,
    adapter: str | Path | None = None,
    memory: str | None = None,
    recipes: Sequence[str] = (),
    formats: Sequence[str] = (),
    context: int | None = None,
    objective: Objective = "speed",
    task: Task | None = None,
    limits: Limits = NO_LIMITS,
) -> Plan:
    """Plan a model (None: the built-in one) for a board, from config and headers alone.

    No format named means those whose runtime the profile says can be installed (an encoder's is then ONNX).
    `adapter` is the folder of a LoRA adapter to merge. Speeds are for a `task`; `limits` drop what breaks them.

    Raises what opening a checkpoint and finding a device raise; a plan that keeps nothing is returned, not raised.
    """
    from edgeslm_exporters.encoder.spec import is_encoder

    profile = catalog.device(device, memory=memory)
    wish = Wish(tuple(recipes), tuple(formats), context, Aim(objective, task, limits))
    source = open_source(model, adapter=adapter)
    if is_encoder(source.checkpoint.config):
        return plan_encoder_source(source, profile, wish)
    return plan_source(source, profile, wish)


def plan_encoder_source(source: Source, profile: Profile, wish: Wish) -> EncoderPlan:
    """Plan an opened encoder for a profile; no recipe named means all that encoders have."""
    from edgeslm.profiler.encoder_plan import EncoderModel, plan_encoder
    from edgeslm_exporters.encoder.spec import describe_encoder

    spec = describe_encoder(source.checkpoint)
    model = EncoderModel(source.checkpoint.name, spec.sizes, spec.vocab, spec.parameters, spec.max_tokens)
    return plan_encoder(
        model,
        profile,
        recipes=wish.recipes,
        formats=wish.formats or (DEFAULT,),
        context=wish.context,
        aim=wish.aim,
    )


def plan_source(source: Source, profile: Profile, wish: Wish) -> Plan:
    """Plan an opened model for a profile.

    No recipe named means the checkpoint's own where it came quantised, else all that ship.
    Raises UsageError for a mix: it takes measuring.
    """
    if wish.mixed:
        raise UsageError("a mix is solved for by measuring, so it cannot be planned", "`edgeslm export` solves for it")
    checkpoint = source.checkpoint
    own = () if checkpoint.own_recipe is None else (checkpoint.own_recipe,)
    planned = plan_variants(
        checkpoint.name,
        source.spec,
        profile,
        recipes=wish.recipes or own or None,
        formats=wish.formats or working_formats(profile),
        context=wish.context,
        aim=wish.aim,
    )
    chosen = () if wish.formats else tuple(format_notes(profile, planned.kept))
    return replace(planned, licence=checkpoint.licence, notes=(*planned.notes, *chosen, *checkpoint.notes))
