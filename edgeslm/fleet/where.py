"""`--where`: which rows to show, such as `temp > 75 and state = online`.

    where     = condition { "and" condition }
    condition = FIELD ( "<" | "<=" | ">" | ">=" | "=" | "!=" ) NUMBER [ UNIT ]
              | FIELD ( "=" | "!=" ) WORD                          WORD may hold * and ?, or stand in quotes

Fields are the figures of PROTOCOL.md, the age of the latest sample, and the texts of a row. Units are s, m, h for
seconds, KB, MB, GB for bytes, and %. A device without the figure fulfils no condition on it, `!=` included: nothing is
known of it.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from edgeslm_agent.contract.figures import FIGURES
from edgeslm_agent.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgeslm.fleet.view import DeviceView

_AGE = "age_s"
_TEXTS = ("device", "state", "model", "variant", "model_state", "bundle", "board", "profile", "agent")
SHORT = {
    "temp": "temperature_c",
    "power": "power_w",
    "cpu": "cpu_percent",
    "gpu": "gpu_percent",
    "rss": "rss_bytes",
    "queue": "queue_depth",
    "tps": "decode_tps",
    "drift": "decode_drift",
    "age": _AGE,
    "release": "bundle",
}
_NUMBERS = {*FIGURES, _AGE}
_UNITS = {"": 1.0, "%": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "kb": 1024.0, "mb": 1024.0**2, "gb": 1024.0**3}
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}
_MAX_TEXT = 1000
_TOKEN = re.compile(r"\s*(?:(?P<op><=|>=|!=|==|<|>|=)|(?P<quoted>\"[^\"]*\"|'[^']*')|(?P<word>[^\s<>=!\"']+))")
_NUMBER = re.compile(r"(-?\d{1,15}(?:\.\d{1,9})?)([a-zA-Z%]*)")


@dataclass(frozen=True)
class Condition:
    """One comparison; the value is a number for a figure and a pattern for a text."""

    field: str
    op: str
    value: float | str

    def holds(self, row: DeviceView) -> bool:
        """Return whether a row fulfils it."""
        if isinstance(self.value, str):
            text = getattr(row, self.field)
            return text is not None and fnmatchcase(text, self.value) is (self.op == "=")
        number = row.sample_age_s if self.field == _AGE else row.figures.get(self.field)
        return number is not None and _COMPARE[self.op](number, self.value)


@dataclass(frozen=True)
class Where:
    """Conditions that must all hold; none is no filter."""

    conditions: tuple[Condition, ...] = ()

    def holds(self, row: DeviceView) -> bool:
        """Return whether a row is to be shown."""
        return all(condition.holds(row) for condition in self.conditions)


def parse_where(text: str) -> Where:
    """Read the text of `--where`. Raises UsageError that points at the place and names the known fields."""
    if len(text) > _MAX_TEXT:
        raise UsageError(f"--where has {len(text)} characters, {_MAX_TEXT} at most", "split it into several calls")
    reader = _Reader(text)
    conditions = [reader.condition()]
    while not reader.ended():
        reader.word_and()
        conditions.append(reader.condition())
    return Where(tuple(conditions))


def parse_figure(word: str) -> str:
    """Return the figure that a name or a short name means. Raises UsageError that names all figures."""
    name = SHORT.get(word, word)
    if name in FIGURES:
        return name
    raise UsageError(f"no figure is called '{word}'", f"known figures: {', '.join(sorted(FIGURES))}")


class _Reader:
    """Reads tokens from left to right and remembers where it is, for the error's sake."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._begun = 0

    def ended(self) -> bool:
        return not self._text[self._at :].strip()

    def condition(self) -> Condition:
        field = self._field()
        op = self._take("op", "a comparison: < <= > >= = !=").replace("==", "=")
        return Condition(field, op, self._number(op) if field in _NUMBERS else self._pattern(field, op))

    def word_and(self) -> None:
        if self._take("word", "'and'").lower() != "and":
            raise self._wrong("'and' or the end was expected")

    def _field(self) -> str:
        word = self._take("word", "a field")
        field = SHORT.get(word, word)
        if field in _NUMBERS or field in _TEXTS:
            return field
        known = sorted({*_NUMBERS, *_TEXTS, *SHORT})
        near = get_close_matches(word, known, 1)
        meant = f"did you mean {near[0]}? " if near else ""
        raise self._wrong(f"no field is called '{word}'", f"{meant}known fields: {', '.join(known)}")

    def _number(self, op: str) -> float:
        word = self._take("word", f"a number after {op}")
        match = _NUMBER.fullmatch(word)
        if match is None or match[2].lower() not in _UNITS:
            raise self._wrong(f"'{word}' is not a number", "write 75, 1.5, 10m, 2h or 500MB")
        return float(match[1]) * _UNITS[match[2].lower()]

    def _pattern(self, field: str, op: str) -> str:
        if op not in ("=", "!="):
            raise self._wrong(f"{field} is a text, which has no order", f"write {field} = word or {field} != word")
        kind, token = self._token()
        if kind not in ("word", "quoted"):
            raise self._wrong(f"a word after {op} was expected")
        return token[1:-1] if kind == "quoted" else token

    def _take(self, wanted: str, name: str) -> str:
        kind, token = self._token()
        if kind != wanted:
            raise self._wrong(f"{name} was expected")
        return token

    def _token(self) -> tuple[str | None, str]:
        match = _TOKEN.match(self._text, self._at)
        if match is None or match.lastgroup is None:
            self._begun = self._at
            return None, ""
        self._begun, self._at = match.start(match.lastgroup), match.end()
        return match.lastgroup, match[match.lastgroup]

    def _wrong(self, problem: str, hint: str = "such as: temp > 75 and state = online") -> UsageError:
        shown = "".join(letter if letter.isprintable() else " " for letter in self._text)
        return UsageError(f"--where, column {self._begun + 1}: {problem}\n  {shown}\n  {' ' * self._begun}^", hint)
