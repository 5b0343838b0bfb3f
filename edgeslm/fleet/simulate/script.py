"""The script of faults: what goes wrong when, to whom and for how long; the same for the same seed. Pure.

    --faults broker-kill=20s,partition=30s/10s,slow-link=40s/20s,clock-jump=15s,reboot=10s

Each word is KIND=EVERY, or KIND=EVERY/LASTS. A broker is killed exactly every so often; the others vary by half of it.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import Literal, cast, get_args

from edgeslm_agent.errors import UsageError

Kind = Literal["broker-kill", "partition", "slow-link", "clock-jump", "reboot"]
KINDS: tuple[Kind, ...] = get_args(Kind)
LINKS = 10  # every device hangs on one of them; partitions and slowness hit some
TEN_YEARS_S = 10 * 365.25 * 86400.0
_LASTING = {"partition": 10.0, "slow-link": 20.0}  # seconds unless said otherwise
_REBOOTED = 0.05  # of all devices
_JUMPED = 0.1
_WORD = re.compile(r"(?P<kind>[a-z-]+)=(?P<every>[^/,]+)(?:/(?P<lasts>[^/,]+))?")
_TIME = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)(ms|s|m|h)?")
_UNITS = {"ms": 0.001, "s": 1.0, None: 1.0, "m": 60.0, "h": 3600.0}
_HINT = "such as broker-kill=20s,partition=30s/10s; kinds are " + ", ".join(KINDS)


@dataclass(frozen=True)
class Habit:
    """A kind of fault: once in `every_s` seconds, each lasting `lasts_s` (0 for what happens at once)."""

    kind: Kind
    every_s: float
    lasts_s: float = 0.0


@dataclass(frozen=True)
class Fault:
    """One fault, `at_s` seconds after the beginning. `whom` are devices, or links, by number; `by_s` a clock's jump."""

    at_s: float
    kind: Kind
    lasts_s: float = 0.0
    whom: tuple[int, ...] = ()
    by_s: float = 0.0


def parse_faults(text: str) -> tuple[Habit, ...]:
    """Read the words of --faults. Raises UsageError."""
    return tuple(_habit(word) for word in text.split(",") if word)


def script(habits: tuple[Habit, ...], devices: int, duration_s: float, seed: int) -> tuple[Fault, ...]:
    """Return every fault of a run in the order of time; none begins in the last tenth."""
    drawn = random.Random(seed)
    faults = [fault for habit in habits for fault in _faults(habit, devices, 0.9 * duration_s, drawn)]
    return tuple(sorted(faults, key=lambda fault: fault.at_s))


def _faults(habit: Habit, devices: int, until_s: float, drawn: random.Random) -> list[Fault]:
    found = []
    at = habit.every_s
    while at <= until_s:
        found.append(_fault(habit, round(at, 3), devices, drawn))
        at += habit.every_s * (1.0 if habit.kind == "broker-kill" else drawn.uniform(0.5, 1.5))
    return found


def _fault(habit: Habit, at: float, devices: int, drawn: random.Random) -> Fault:
    if habit.kind in _LASTING:
        links = drawn.sample(range(LINKS), drawn.randint(1, LINKS // 2))
        return Fault(at, habit.kind, habit.lasts_s, tuple(sorted(links)))
    if habit.kind == "broker-kill":
        return Fault(at, habit.kind)
    share = _REBOOTED if habit.kind == "reboot" else _JUMPED
    whom = drawn.sample(range(devices), max(round(share * devices), 1))
    by = drawn.uniform(-TEN_YEARS_S, TEN_YEARS_S) if habit.kind == "clock-jump" else 0.0
    return Fault(at, habit.kind, 0.0, tuple(sorted(whom)), by)


def _habit(word: str) -> Habit:
    found = _WORD.fullmatch(word.strip())
    if found is None or found["kind"] not in KINDS:
        raise UsageError(f"'{word}' is not a fault", _HINT)
    kind = cast(Kind, found["kind"])
    every, lasts = _seconds(found["every"], word), _LASTING.get(kind, 0.0)
    if found["lasts"] and kind not in _LASTING:
        raise UsageError(f"'{word}': {kind} happens at once and lasts no time", _HINT)
    return Habit(kind, every, _seconds(found["lasts"], word) if found["lasts"] else lasts)


def _seconds(text: str, word: str) -> float:
    found = _TIME.fullmatch(text)
    if found is None or float(found[1]) * _UNITS[found[2]] < 0.1:
        raise UsageError(f"'{word}' holds no time of at least 100ms", _HINT)
    return float(found[1]) * _UNITS[found[2]]
