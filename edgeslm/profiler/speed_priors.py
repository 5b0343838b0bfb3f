"""Reads profiles/speed.yaml: how far boards and runtimes deviate, fitted to published speeds by bench/fit_priors.py."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Any

from edgeslm.catalog.folder import profiles_folder
from edgeslm.profiler.speed import Constants
from edgeslm_agent.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

SAME_RUNTIME = ("model", "family+kind", "format+version+board+kind")
OTHER_RUNTIME = ("runtime+kind", "version+board+kind", "format+kind")
CONSTANTS = tuple(field.name for field in fields(Constants))


@dataclass(frozen=True)
class Priors:
    """How far constants deviate, as standard deviations of logarithms.

    `widths[trait]` has one width a constant, in the order of `Constants`. A trait of several names joined by '+' is
    shared by cases that share them all. `noise` is that of one measurement; `widening` takes a deviation to the end
    of a range. `stretched_by` are the traits, the widest first, whose groups may be noisier than others.
    """

    widths: Mapping[str, tuple[float, ...]]
    noise: float
    widening: float
    stretched_by: tuple[str, ...] = ("runtime", "version+board+kind")

    def decode_range(self, *, same_runtime: bool) -> float:
        """Return how far a decoding speed may be from what a board's known bandwidth says: a 90 % range, in logarithms.

        Models and formats deviate, and one row's own noise; where the bandwidth was seen with another runtime, both
        runtimes' deviations come on top.
        """
        twice = () if same_runtime else (*OTHER_RUNTIME, *OTHER_RUNTIME)
        moved = [CONSTANTS.index(name) for name in ("bandwidth", "share")]
        variance = sum(self.widths[trait][index] ** 2 for trait in (*SAME_RUNTIME, *twice) for index in moved)
        return self.widening * math.sqrt(variance + self.noise**2)


@cache
def priors() -> Priors:
    """Return the priors that ship.

    Raises ConfigError when the file names a constant that the physics does not have.
    """
    import yaml

    file = profiles_folder() / "speed.yaml"
    values: dict[str, Any] = yaml.safe_load(file.read_text("utf-8"))
    unknown = [f"{file}: {trait}: no constant '{name}'" for trait, name in _named(values) if name not in CONSTANTS]
    if unknown:
        raise ConfigError("speed.yaml is wrong", f"the constants are {', '.join(CONSTANTS)}", unknown)
    widths = {trait: tuple(float(of.get(name, 0)) for name in CONSTANTS) for trait, of in values["widths"].items()}
    return Priors(widths, float(values["noise"]), float(values["widening"]))


def _named(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(trait, name) for trait, of in values["widths"].items() for name in of]
