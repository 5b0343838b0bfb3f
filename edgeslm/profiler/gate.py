"""Quality gates: the bounds a variant must keep, and the reasons when it does not.

Bands and figures follow the public quantisation tables of llama.cpp (mean KL divergence, top-1 agreement and perplexity
ratio of its formats on Llama-3-8B) and arXiv 2407.09141 for flips. A model below one billion parameters that answers
in JSON is judged one band stricter: format-sensitive tasks lose most from few bits (Llama-3.2-1B model card, BFCL v2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeslm_agent.errors import UsageError

if TYPE_CHECKING:
    from edgeslm.profiler.quality import Quality

SMALL_MODEL_PARAMETERS = 1_000_000_000


@dataclass(frozen=True)
class Gate:
    """Bounds: KL in nats a token, agreement and flips as shares, perplexity as a ratio; None = reported, not judged."""

    name: str
    kld_mean: float
    top1_agreement: float
    kld_p999: float
    ppl_ratio: float
    flips: float | None


@dataclass(frozen=True)
class Verdict:
    """Whether a quality passed, the gate that judged it, and a reason for every bound it broke."""

    passed: bool
    gate: str
    reasons: tuple[str, ...]


LOSSLESS = Gate("lossless", 0.002, 0.97, 0.1, 1.002, 0.01)
CONSERVATIVE = Gate("conservative", 0.01, 0.95, 0.4, 1.01, 0.03)
BALANCED = Gate("balanced", 0.05, 0.90, 1.6, 1.05, 0.06)
TINY = Gate("tiny", 0.15, 0.82, 4.0, 1.12, None)
GATES = (LOSSLESS, CONSERVATIVE, BALANCED, TINY)
NO_GATE = "none"


def gate_named(name: str) -> Gate | None:
    """Return the gate of that name, or None for `none`.

    Raises UsageError for an unknown name.
    """
    if name == NO_GATE:
        return None
    for gate in GATES:
        if gate.name == name:
            return gate
    known = ", ".join([*(gate.name for gate in GATES), NO_GATE])
    raise UsageError(f"there is no gate '{name}'", f"the gates are {known}")


def gate_for(gate: Gate, parameters: int, *, json_tasks: bool) -> Gate:
    """Return the gate to apply: one band stricter for a small model that answers in JSON."""
    if not json_tasks or parameters >= SMALL_MODEL_PARAMETERS:
        return gate
    return GATES[max(GATES.index(gate) - 1, 0)]


def judge_model(quality: Quality, gate: Gate, parameters: int) -> Verdict:
    """Hold the measured quality of a model of so many parameters against the gate that applies to it."""
    return judge(quality, gate_for(gate, parameters, json_tasks=quality.json_tasks))


def judge(quality: Quality, gate: Gate) -> Verdict:
    """Hold a measured quality against exactly this gate."""
    ceilings = (
        ("mean KL divergence", quality.kld_mean, gate.kld_mean, "nats"),
        ("99.9 % KL divergence", quality.kld_p999, gate.kld_p999, "nats"),
        ("perplexity ratio", quality.ppl_ratio, gate.ppl_ratio, ""),
        ("flips", quality.flips, gate.flips, ""),
    )
    reasons = [
        f"{what} {value:.4g} {unit}".strip() + f" is above the {gate.name} gate's {bound:g}"
        for what, value, bound, unit in ceilings
        if value is not None and bound is not None and not value <= bound
    ]
    if not quality.top1_agreement >= gate.top1_agreement:
        reasons.append(
            f"top-1 agreement {quality.top1_agreement:.4f} is below the {gate.name} gate's {gate.top1_agreement:g}"
        )
    return Verdict(not reasons, gate.name, tuple(reasons))
