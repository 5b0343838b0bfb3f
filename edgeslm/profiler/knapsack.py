"""Which storage for which class of tensors: a multiple-choice knapsack over measured divergence, solved exactly.

Each class of tensors has options, each with its bytes and the KL divergence that it alone costs. Costs of different
classes are taken to add up, which holds to first order where errors are small and independent; whoever builds the
result measures it once. Classes are merged one by one into the front of mixes of which none is both smaller and
better; with five classes of a handful of options that is a few thousand sums, so nothing is approximated.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from edgeslm_agent.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edgeslm_exporters.recipe import Storage, TensorClass


@dataclass(frozen=True)
class Option:
    """One way to store a class: its `bytes` in the file, and the KL (nats a token) it costs when all else is fp32."""

    storage: Storage
    bytes: int
    kld: float


@dataclass(frozen=True)
class Mix:
    """One option a class, and what they sum up to."""

    options: Mapping[TensorClass, Option]

    @property
    def bytes(self) -> int:
        """Bytes of all classes."""
        return sum(option.bytes for option in self.options.values())

    @property
    def kld(self) -> float:
        """The divergence to expect, in nats a token."""
        return sum(option.kld for option in self.options.values())


def pareto_front(classes: Mapping[TensorClass, Sequence[Option]]) -> tuple[Mix, ...]:
    """Return every mix that no other one beats or equals in both bytes and divergence, smallest first."""
    front = [Mix({})]
    for name, options in classes.items():
        grown = (Mix({**mix.options, name: option}) for mix, option in product(front, options))
        front = _undominated(sorted(grown, key=lambda mix: (mix.bytes, mix.kld)))
    return tuple(front)


def _undominated(by_size: Sequence[Mix]) -> list[Mix]:
    kept: list[Mix] = []
    for mix in by_size:
        if not kept or mix.kld < kept[-1].kld:
            kept.append(mix)
    return kept


def best_within(front: Sequence[Mix], most_bytes: int) -> Mix | None:
    """Return the mix of least divergence in at most so many bytes, None when even the smallest takes more."""
    return next((mix for mix in reversed(front) if mix.bytes <= most_bytes), None)


def smallest_below(front: Sequence[Mix], most_kld: float) -> Mix | None:
    """Return the smallest mix that is expected to diverge by at most so many nats, None when none is."""
    return next((mix for mix in front if mix.kld <= most_kld), None)


def reasons(mix: Mix, classes: Mapping[TensorClass, Sequence[Option]]) -> tuple[str, ...]:
    """Say for each class what its storage costs, and what the next smaller one would save and cost instead."""
    return tuple(_reason(name, mix.options[name], classes[name]) for name in mix.options)


def _reason(name: TensorClass, chosen: Option, options: Sequence[Option]) -> str:
    text = f"{name} {chosen.storage}: {format_bytes(chosen.bytes)}, KL {chosen.kld:.5f}"
    smaller = max((option for option in options if option.bytes < chosen.bytes), key=lambda o: o.bytes, default=None)
    if smaller is None:
        return f"{text}; nothing is smaller"
    saved, cost = format_bytes(chosen.bytes - smaller.bytes), smaller.kld - chosen.kld
    return f"{text}; {smaller.storage} would save {saved} and cost {cost:+.5f}"
