"""A figure: a number that says where it comes from. Estimates and measurements never share a field."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Basis = Literal["datasheet", "published", "estimated", "measured"]


@dataclass(frozen=True)
class Figure:
    """`value` with its range [low, high] in `unit`; `on` names what it holds for (a profile, a device, or `host`)."""

    value: float
    low: float
    high: float
    unit: str
    basis: Basis
    on: str

    def scaled(self, factor: float, unit: str) -> Figure:
        """Return it times a known number, in another unit."""
        return replace(self, value=self.value * factor, low=self.low * factor, high=self.high * factor, unit=unit)


def exact(value: float, unit: str, basis: Basis, on: str) -> Figure:
    """Return a figure without a range: arithmetic on known shapes, or one observed number."""
    return Figure(value, value, value, unit, basis, on)
