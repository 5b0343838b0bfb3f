"""What each class of tensors costs in each storage, and the mixes that follow: one for a size, several for a gate."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from edgeslm.profiler.knapsack import Mix, Option, best_within, pareto_front, reasons, smallest_below
from edgeslm_agent.errors import NothingFits, UsageError
from edgeslm_agent.units import format_bytes
from edgeslm_exporters.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edgeslm_exporters.recipe import TensorClass

STRICTER = (1.0, 0.5, 0.25, 0.125)  # shares of a gate's mean KL that mixes are solved for, until one passes it


@dataclass(frozen=True)
class Goal:
    """What to solve for: the best mix in `most_bytes` of weights, else the smallest that diverges by `most_kld`."""

    most_bytes: int | None
    most_kld: float | None


@dataclass(frozen=True)
class Sensitivity:
    """What every class costs in every storage, measured on `data`; `fixed_bytes` are those of all other tensors."""

    data: str
    fixed_bytes: int
    options: Mapping[TensorClass, Sequence[Option]]

    @cached_property
    def front(self) -> tuple[Mix, ...]:
        """The mixes of which none is both smaller and better than another, smallest first."""
        return pareto_front(self.options)

    def weights_bytes(self, mix: Mix) -> int:
        """Return the exact size of the weights' file under a mix."""
        return mix.bytes + self.fixed_bytes

    def mixes_for(self, goal: Goal) -> tuple[Mix, ...]:
        """Return the mixes to try until one passes the gate; for a size there is one.

        Raises NothingFits for a size too small for all, UsageError for a goal without a bound.
        """
        if goal.most_bytes is not None:
            return (self._for_size(goal.most_bytes),)
        if goal.most_kld is None:
            raise UsageError("a mix is solved for a size or for a gate", "give --target-size, or a --gate but none")
        return self._for_divergence(goal.most_kld)

    def _for_size(self, most_bytes: int) -> Mix:
        mix = best_within(self.front, most_bytes - self.fixed_bytes)
        if mix is None:
            least = format_bytes(self.weights_bytes(self.front[0]))
            raise NothingFits(
                f"no mix of storages fits --target-size {format_bytes(most_bytes)}",
                "allow more, or take a smaller model",
                [f"the smallest takes {least}"],
            )
        return mix

    def _for_divergence(self, most_kld: float) -> tuple[Mix, ...]:
        """Return the smallest mix that should pass, then stricter ones; only the most exact where none should."""
        tries: list[Mix] = []
        for share in STRICTER:
            mix = smallest_below(self.front, share * most_kld)
            if mix is not None and mix not in tries:
                tries.append(mix)
        return tuple(tries) or self.front[-1:]

    def document(self, mixes: Sequence[Mix]) -> dict[str, Any]:
        """Return the JSON object that says how these mixes were found."""
        return {
            "calibrated_on": self.data,
            "mixes": [
                {
                    "recipe": recipe_of(mix).name,
                    "weights_bytes": self.weights_bytes(mix),
                    "expected_kld": mix.kld,
                    "reasons": list(reasons(mix, self.options)),
                }
                for mix in mixes
            ],
            "sensitivity": [
                {"class": name, "storage": str(option.storage), "bytes": option.bytes, "kld_mean": option.kld}
                for name, options in self.options.items()
                for option in options
            ],
        }


def recipe_of(mix: Mix) -> Recipe:
    """Return the recipe that stores every class as the mix says."""
    return Recipe.of({name: option.storage for name, option in mix.options.items()})
