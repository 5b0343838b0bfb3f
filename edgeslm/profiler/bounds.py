"""Which bounds a variant keeps and which it breaks, and by how much: the pessimistic end of every range counts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from edgeslm_agent.units import format_bytes, format_rate, format_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edgeslm.catalog import Profile
    from edgeslm.profiler.aim import Limits
    from edgeslm.profiler.figure import Figure
    from edgeslm.profiler.outlook import Outlook

BoundName = Literal["budget", "memory", "first_token", "answer", "decode", "divergence", "energy", "gate"]
UNKNOWN = math.inf  # a figure nobody knows keeps no bound


@dataclass(frozen=True)
class Broken:
    """A bound that a variant breaks: `needed` is where the bound would have to lie, inf when nobody knows."""

    bound: BoundName
    allowed: float
    needed: float
    reason: str

    @property
    def excess(self) -> float:
        """How many times the bound the variant takes; inf when nobody knows."""
        if self.bound == "decode":
            return self.allowed / self.needed
        return self.needed / self.allowed


def format_joules(value: float) -> str:
    """Return an energy as `20 J`, `0.35 J`: three digits."""
    return f"{value:.3g} J"


def format_nats(value: float) -> str:
    """Return a divergence as `0.02 nats a token`."""
    return f"{value:.3g} nats a token"


FORMATS: dict[BoundName, Callable[[float], str]] = {
    "budget": format_bytes,
    "memory": format_bytes,
    "first_token": format_seconds,
    "answer": format_seconds,
    "decode": format_rate,
    "divergence": format_nats,
    "energy": format_joules,
}


def broken(outlook: Outlook, profile: Profile, limits: Limits, *, built: bool) -> tuple[Broken, ...]:
    """Return every bound that a variant breaks, the board's memory first.

    What is not `built` has no quality yet, which no bound is held against.
    """
    return tuple(_broken(outlook, profile, limits, built=built))


def _broken(outlook: Outlook, profile: Profile, limits: Limits, *, built: bool) -> Iterator[Broken]:
    peak, budget = outlook.peak_bytes, profile.budget_bytes
    if peak.high > budget:
        room = f"{profile.name} leaves {format_bytes(budget)}"
        yield Broken("budget", budget, peak.high, f"{_peak(peak)} at its peak, {room}")
    if limits.memory_bytes is not None and peak.high > limits.memory_bytes:
        asked = f"{format_bytes(limits.memory_bytes)} at most is asked"
        yield Broken("memory", limits.memory_bytes, peak.high, f"{_peak(peak)} at its peak, {asked}")
    yield from _slow("first_token", "to the first token", outlook.first_token_s, limits.first_token_s)
    yield from _slow("answer", "for an answer", outlook.answer_s, limits.answer_s)
    decode = outlook.decode_tps
    if limits.decode_tps is not None and decode.low < limits.decode_tps:
        writes = "writes" if decode.basis == "measured" else "may write only"
        asked = f"{format_rate(limits.decode_tps)} at least is asked"
        yield Broken("decode", limits.decode_tps, decode.low, f"{writes} {format_rate(decode.low)}, {asked}")
    if built:
        yield from _diverging(outlook, limits)
    yield from _hungry(outlook, profile, limits)


def _peak(peak: Figure) -> str:
    if peak.basis == "measured":
        return f"took {format_bytes(peak.high)} on {peak.on}"
    return f"needs up to {format_bytes(peak.high)}"


def _slow(bound: BoundName, what: str, figure: Figure, most: float | None) -> Iterator[Broken]:
    if most is not None and figure.high > most:
        takes = "took" if figure.basis == "measured" else "may take up to"
        reason = f"{takes} {format_seconds(figure.high)} {what}, {format_seconds(most)} at most is asked"
        yield Broken(bound, most, figure.high, reason)


def _diverging(outlook: Outlook, limits: Limits) -> Iterator[Broken]:
    most, kld = limits.kld_mean, outlook.kld_mean
    if most is None or (kld is not None and kld <= most):
        return
    asked = f"{format_nats(most)} at most is asked"
    if kld is None:
        yield Broken("divergence", most, UNKNOWN, f"its divergence was not measured, {asked}: run `edgeslm eval` on it")
    else:
        yield Broken("divergence", most, kld, f"diverges by {format_nats(kld)}, {asked}")


def _hungry(outlook: Outlook, profile: Profile, limits: Limits) -> Iterator[Broken]:
    most, energy = limits.energy_j, outlook.energy_j
    if most is None or (energy is not None and energy.high <= most):
        return
    asked = f"{format_joules(most)} at most is asked"
    if energy is None:
        reason = f"the energy of an answer on {profile.name} is unknown, {asked}"
        yield Broken("energy", most, UNKNOWN, reason)
    else:
        yield Broken("energy", most, energy.high, f"may take up to {format_joules(energy.high)} an answer, {asked}")
