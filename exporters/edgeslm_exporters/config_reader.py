"""Reads a checkpoint's config.json: each key once, all that is missing or wrong told at the end together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard, get_args

from edgeslm_agent.errors import BadCheckpoint, UnsupportedOperator
from edgeslm_exporters.decoder_spec import Activation, Dimensions

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_LAYERS = 1024  # eight times the deepest published decoder; a config must not make us count to a billion
_ACTIVATIONS: dict[object, Activation] = {
    **{name: name for name in get_args(Activation)},
    "swish": "silu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
}


class ConfigReader:
    """Collects problems while an architecture reads its keys; `finish` raises them all."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config
        self._problems: list[str] = []
        self._refusals: list[str] = []

    def size(self, key: str, default: int | None = None, least: int = 1, most: int = 2**31) -> int:
        """Return an integer from `least` to `most`; a missing key without default, or anything else, is a problem."""
        value = self._config.get(key)
        value = default if value is None else value
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        wrong = f"{key} is {value!r}, not an integer from {least} to {most}"
        self.problem(f"{key} is missing" if value is None else wrong)
        return 1

    def number(self, key: str, default: float | None = None) -> float:
        """Return a positive number, with the same rules as `size`."""
        return self.number_of(self._config, key, default)

    def number_of(self, section: Mapping[str, Any], key: str, default: float | None = None, name: str = "") -> float:
        """Return a positive number of an object inside the config; `name` is what a problem calls it."""
        value, name = section.get(key), name or key
        value = default if value is None else value
        if _is_positive(value):
            return float(value)
        self.problem(f"{name} is missing" if value is None else f"{name} is {value!r}, not a positive number")
        return 1.0

    def numbers_of(self, section: Mapping[str, Any], key: str, count: int) -> tuple[float, ...]:
        """Return `count` positive numbers of an object inside the config."""
        value = section.get(key)
        if isinstance(value, list) and len(value) == count and all(map(_is_positive, value)):
            return tuple(map(float, value))
        self.problem(f"{key} is missing" if value is None else f"{key} is not a list of {count} positive numbers")
        return (1.0,) * count

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Return a boolean; null means the default."""
        value = self._config.get(key)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        self.problem(f"{key} is {value!r}, not true or false")
        return default

    def activation(self, key: str, default: Activation = "silu") -> Activation:
        """Return the activation of the MLP; one without an operator is refused."""
        value = self._config.get(key)
        if value is None:
            return default
        self.expect(key, tuple(_ACTIVATIONS))
        return _ACTIVATIONS.get(value, default)

    def dimensions(self, *, head_size: int | None = None, max_positions: int | None = None) -> Dimensions:
        """Return the sizes under the names that Llama gave them; the arguments are a family's own defaults."""
        hidden, heads = self.size("hidden_size"), self.size("num_attention_heads")
        return Dimensions(
            layers=self.size("num_hidden_layers", most=MOST_LAYERS),
            hidden=hidden,
            heads=heads,
            kv_heads=self.size("num_key_value_heads", heads),
            head_size=self.size("head_dim", head_size or max(1, hidden // heads)),
            intermediate=self.size("intermediate_size"),
            vocab=self.size("vocab_size"),
            max_positions=self.size("max_position_embeddings", max_positions),
        )

    def windows(self, window: int | None, default: tuple[bool, ...]) -> tuple[int | None, ...]:
        """Return each layer's window from `layer_types`; without it the layers that `default` marks have one."""
        kinds = self._config.get("layer_types")
        if kinds is None:
            return tuple(window if marked else None for marked in default)
        if not isinstance(kinds, list) or len(kinds) != len(default):
            self.problem(f"layer_types does not have {len(default)} entries")
            return (None,) * len(default)
        for kind in set(map(str, kinds)) - {"full_attention", "sliding_attention"}:
            self.refuse(f"layers of type {kind!r}")
        return tuple(window if kind == "sliding_attention" else None for kind in kinds)

    def get(self, key: str) -> Any:  # noqa: ANN401  # whatever JSON holds
        """Return the raw value of an optional key."""
        return self._config.get(key)

    def problem(self, text: str) -> None:
        """Note something wrong that only the architecture can see."""
        self._problems.append(text)

    def refuse(self, text: str) -> None:
        """Note a form that the graph has no operator for."""
        self._refusals.append(text)

    def expect(self, key: str, allowed: tuple[Any, ...]) -> None:
        """Refuse a value that the graph has no form for."""
        if self._config.get(key) not in (None, *allowed):
            self.refuse(f"{key} = {self._config[key]!r}")

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


def _is_positive(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < float("inf")
