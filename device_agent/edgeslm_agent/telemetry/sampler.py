"""The sampler asks every probe and every counter for its figures and makes one sample of them."""

from __future__ import annotations

import math
import time
from importlib import import_module
from typing import TYPE_CHECKING

from edgeslm_agent.contract.telemetry import MAX_FIGURES
from edgeslm_agent.telemetry.energy import EnergyPerToken
from edgeslm_agent.telemetry.probes import NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from edgeslm_agent.telemetry.source import Read, Source

_MOST = 2.0**63  # of a whole number in a message


def probes(root: Path, names: Iterable[str] = NAMES) -> list[Source]:
    """Return the sources of all probes for a machine whose file system begins at `root`."""
    return [import_module(f"edgeslm_agent.telemetry.probes.{name}").probe(root) for name in names]


def sensors(sources: Iterable[Source]) -> dict[str, str]:
    """Return which sensors stand behind the figures that boards measure differently."""
    named: dict[str, str] = {}
    for source in sources:
        for figure, sensor in source.basis.items():
            named[figure] = f"{named[figure]}; {sensor}" if figure in named else sensor
    if "energy_j" in named:
        named["energy_per_token_j"] = named["energy_j"]
    elif "power_w" in named:
        named["energy_per_token_j"] = f"{named['power_w']}, power at each sample"
    return named


class Sampler:
    """Collects figures. A reader that fails contributes nothing and is counted in `probe_failures`."""

    def __init__(self, readers: Iterable[Read], clock: Callable[[], float] = time.monotonic) -> None:
        self._readers = tuple(readers)
        self._clock = clock
        self._energy = EnergyPerToken()
        self._failures = 0

    def read(self) -> dict[str, float]:
        """Return all figures of this moment: of two sources the greater, and nothing that no message can hold."""
        figures: dict[str, float] = {}
        for reader in self._readers:
            for name, value in self._asked(reader).items():
                if _fits(value):
                    figures[name] = max(value, figures.get(name, value))
        figures.update(self._energy.take(figures, self._clock()))
        if self._failures:
            figures["probe_failures"] = self._failures
        return dict(list(figures.items())[:MAX_FIGURES])

    def _asked(self, reader: Read) -> Mapping[str, float]:
        try:
            return reader()
        except Exception:  # noqa: BLE001 - a driver's surprise must not end the telemetry of everything else
            self._failures += 1
            return {}


def _fits(value: float) -> bool:
    return math.isfinite(value) if isinstance(value, float) else -_MOST < value < _MOST
