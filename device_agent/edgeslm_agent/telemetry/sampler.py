"""The sampler asks every probe and every counter for its figures and makes one sample of them."""

from __future__ import annotations

import math
from importlib import import_module
from typing import TYPE_CHECKING

from edgeslm_agent.contract.telemetry import MAX_FIGURES
from edgeslm_agent.telemetry.probes import NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    Read = Callable[[], dict[str, float]]


def probes(root: Path, names: Iterable[str] = NAMES) -> list[Read]:
    """Return the readers of all probes for a machine whose file system begins at `root`."""
    return [import_module(f"edgeslm_agent.telemetry.probes.{name}").probe(root) for name in names]


class Sampler:
    """Collects figures. A reader that fails contributes nothing and is counted in `probe_failures`."""

    def __init__(self, readers: Iterable[Read]) -> None:
        self._readers = tuple(readers)
        self._failures = 0

    def read(self) -> dict[str, float]:
        """Return all figures of this moment; values that are not finite are left out."""
        figures: dict[str, float] = {}
        for reader in self._readers:
            figures.update(self._asked(reader))
        if self._failures:
            figures["probe_failures"] = self._failures
        kept = {name: value for name, value in figures.items() if math.isfinite(value)}
        return dict(list(kept.items())[:MAX_FIGURES])

    def _asked(self, reader: Read) -> dict[str, float]:
        try:
            return reader()
        except Exception:  # noqa: BLE001 - a driver's surprise must not end the telemetry of everything else
            self._failures += 1
            return {}
