"""One variant of a plan: what it is, what is expected of it, and every reason why it would not be built."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from edgeslm_agent.units import format_count

if TYPE_CHECKING:
    from edgeslm.profiler.estimate import Estimate


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


def candidate_document(candidate: Candidate) -> dict[str, Any]:
    """Return one candidate as JSON-ready data, figures included."""
    return asdict(candidate)


def variant_name(model: str, recipe: str, form: str, context: int) -> str:
    """Return MODEL_RECIPE_FORMAT_CONTEXT, for example `home_wi4b32-afp32_onnx_256`."""
    return f"{model}_{recipe}_{form}_{format_count(context)}"
