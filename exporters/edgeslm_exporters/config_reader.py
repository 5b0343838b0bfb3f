"""Reads a checkpoint's config.json: each key once, all that is missing or wrong told at the end together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgeslm_agent.errors import BadCheckpoint, UnsupportedOperator
from edgeslm_exporters.decoder_spec import RopeScaling

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_LAYERS = 1024  # eight times the deepest published decoder; a config must not make us count to a billion


class ConfigReader:
    """Collects problems while an architecture reads its keys; `finish` raises them all."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config
        self._problems: list[str] = []
        self._refusals: list[str] = []

    def size(self, key: str, default: int | None = None, most: int = 2**31) -> int:
        """Return an integer from 1 to `most`; a missing key without default, or anything else, is a problem."""
        value = self._config.get(key)
        value = default if value is None else value
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= most:
            return value
        self._problems.append(
            f"{key} is missing" if value is None else f"{key} is {value!r}, not an integer from 1 to {most}"
        )
        return 1

    def number(self, key: str, default: float | None = None) -> float:
        """Return a positive number, with the same rules as `size`."""
        return self._number(self._config, key, default, key)

    def _number(self, section: Mapping[str, Any], key: str, default: float | None, name: str) -> float:
        value = section.get(key)
        value = default if value is None else value
        if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < float("inf"):
            return float(value)
        self._problems.append(f"{name} is missing" if value is None else f"{name} is {value!r}, not a positive number")
        return 1.0

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Return a boolean; null means the default."""
        value = self._config.get(key)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        self._problems.append(f"{key} is {value!r}, not true or false")
        return default

    def get(self, key: str) -> object:
        """Return the raw value of an optional key."""
        return self._config.get(key)

    def problem(self, text: str) -> None:
        """Note something wrong that only the architecture can see."""
        self._problems.append(text)

    def expect(self, key: str, allowed: tuple[Any, ...]) -> None:
        """Refuse a value that the graph has no form for."""
        if self._config.get(key) not in (None, *allowed):
            self._refusals.append(f"{key} = {self._config[key]!r}")

    def rope(self) -> tuple[float, RopeScaling | None]:
        """Return the rotary base and scaling, from `rope_theta` + `rope_scaling` or from `rope_parameters`."""
        section = self._config.get("rope_parameters") or self._config.get("rope_scaling") or {}
        if not isinstance(section, dict):
            self._problems.append(f"the rope settings are {section!r}, not an object")
            return 1.0, None
        theta = self._number({**self._config, **section}, "rope_theta", 10_000.0, "rope_theta")
        self.expect("partial_rotary_factor", (1, 1.0))
        if section.get("partial_rotary_factor") not in (None, 1, 1.0):
            self._refusals.append(f"partial_rotary_factor = {section['partial_rotary_factor']!r}")
        return theta, self._scaling(section, section.get("rope_type", section.get("type", "default")))

    def _scaling(self, section: Mapping[str, Any], kind: object) -> RopeScaling | None:
        if kind in ("default", None):
            return None
        if kind == "linear":
            return RopeScaling("linear", self._number(section, "factor", None, "rope factor"))
        if kind != "llama3":
            self._refusals.append(f"rope scaling {kind!r}")
            return None
        names = ("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings")
        factor, low, high, original = (self._number(section, name, None, f"rope {name}") for name in names)
        return RopeScaling("llama3", factor, low, high, int(original))

    def finish(self) -> None:
        """Raise what was found: BadCheckpoint for a wrong config, UnsupportedOperator for a form without operator."""
        if self._problems:
            raise BadCheckpoint(
                "config.json: " + "; ".join(self._problems), "take config.json from the place the weights came from"
            )
        if self._refusals:
            raise UnsupportedOperator(
                "the exporter has no form for " + ", ".join(self._refusals),
                "exporters/README.md says what the graph covers",
            )
