"""Lists with one verb for several targets, or none at all: fills the lines of templates/combined.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import numbers, slots
from .draw import Draw
from .grammar import parse, render
from .templates import climate, lights, questions, switching
from .vocabulary import AREAS, DEVICES, INDOOR, ROOMS, Place

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from .split import Step

Weighted = tuple[tuple[str, float], ...]


def _devices(text: str) -> Weighted:
    return tuple((key, float(weight or 1)) for key, _, weight in (word.partition(":") for word in text.split()))


@dataclass(frozen=True)
class Kind:
    """One step of such a list: its base, what it may be about, which slot says its target."""

    base: Step
    devices: Weighted = ()
    slot: str = "t"


_SWITCHED = _devices(switching.SWITCHED.replace(" all:1.5", ""))
_MOVED = _devices(questions.MOVED)
KINDS = {
    "on": Kind({"action": "turn_on"}, _SWITCHED),
    "off": Kind({"action": "turn_off"}, _SWITCHED),
    "open": Kind({"action": "open"}, _MOVED),
    "close": Kind({"action": "close"}, _MOVED),
    "lock": Kind({"action": "lock", "device": "lock"}, slot="door"),
    "unlock": Kind({"action": "unlock", "device": "lock"}, slot="door"),
    "get_lock": Kind({"action": "get", "device": "lock"}, slot="door"),
    "get_on": Kind({"action": "get"}, _devices(questions.LIT)),
    "get_open": Kind({"action": "get"}, _MOVED),
    "pct": Kind({"action": "set"}, _devices(lights.LIT + " blinds:2 fan:2 shades:1 curtains:1")),
    "color": Kind({"action": "set"}, _devices(lights.COLOURED)),
    "deg": Kind({"action": "set", "device": "thermostat"}, _devices(climate.HEATING)),
    "start": Kind(
        {"action": "start"}, _devices("coffee_maker:2 kettle:1 dishwasher:3 washing_machine:3 dryer:2 vacuum:3")
    ),
    "stop": Kind({"action": "stop"}, _devices("dishwasher:3 washing_machine:3 dryer:2 vacuum:3 oven:1 speaker:1")),
    "arm": Kind({"action": "arm", "device": "alarm_system"}, slot="as"),
    "vac": Kind({"action": "start", "device": "vacuum"}, slot="room"),
}
SHARED = {
    "on": _devices("light:8 lamp:3 fan:2 heater:2 tv:1 plug:1 air_purifier:1 humidifier:1"),
    "pct": _devices("light:6 lamp:3 blinds:2 fan:1"),
    "color": _devices("light:6 lamp:3"),
    "deg": _devices("thermostat:5 heater:1 air_conditioner:1"),
    "open": _devices("blinds:4 curtains:3 window:4 shutters:2 shades:2"),
}
SHARED |= {"off": SHARED["on"], "close": SHARED["open"], "vac": _devices("vacuum")}
PLACES: dict[str, Place] = {p.key: p for p in (*ROOMS, *AREAS)}
_INDOOR = tuple(p for p in ROOMS if p.key in INDOOR)
_WEIGHTS = [p.weight for p in _INDOOR]
assert set(SHARED) <= set(KINDS)
assert all(d in DEVICES for k in KINDS.values() for d, _ in k.devices)


class _Line:
    """One line being said: a draw per step, and what all steps share."""

    def __init__(self, kinds: list[str], rng: Random, seen: bool) -> None:
        self.rng = rng
        self.kinds = kinds
        self.draws = [Draw(rng, dict(KINDS[k].base), seen, KINDS[k].devices, room=0.75, whole=0.03) for k in kinds]
        self.before = ""
        self.rooms: list[Place] = []
        for draw, kind in zip(self.draws, kinds, strict=True):
            draw.settle(frozenset({KINDS[kind].slot}))

    def share(self, named: bool) -> None:
        """Settle the device all steps share and the rooms, each another one."""
        device = DEVICES[_drawn(self.rng, SHARED[self.kinds[0]])]
        self.rooms = distinct_rooms(self.rng, len(self.draws))
        for draw, room in zip(self.draws, self.rooms, strict=True):
            draw.step.pop("device", None)
            draw.add(
                device=device.key if named else "thermostat" if self.kinds[0] == "deg" else "vacuum", room=room.key
            )
            draw.device, draw.plural = device, self.rng.random() < 0.6

    def fill(self, slot: str) -> str:
        """The words of a slot."""
        if slot == "D":
            return self.draws[0].word(self.draws[0].plural)
        if slot == "=":
            return self._twice()
        draw = self.draws[int(slot[-1]) - 1]
        if slot[0] == "r":
            return draw.noun(self.rooms[int(slot[-1]) - 1])
        if slot[0] in _VALUES:
            return _VALUES[slot[0]](draw)
        return slots.fill(draw, KINDS[self.kinds[int(slot) - 1]].slot)

    def _twice(self) -> str:
        first, second = self.draws
        words = slots.fill(first, "t")
        second.step.update({k: v for k, v in first.step.items() if k != "action"})
        return words


def distinct_rooms(rng: Random, count: int) -> list[Place]:
    """Some rooms, no two alike."""
    rooms: list[Place] = []
    while len(rooms) < count:
        room = rng.choices(_INDOOR, _WEIGHTS)[0]
        if room not in rooms:
            rooms.append(room)
    return rooms


def _drawn(rng: Random, weighted: Weighted) -> str:
    return rng.choices([d for d, _ in weighted], [w for _, w in weighted])[0]


def _value(draw: Draw) -> str:
    value, text = numbers.percent(draw.rng, noun=True)
    draw.add(value=value, unit="%")
    return text


_VALUES: dict[str, Callable[[Draw], str]] = {
    "v": _value,
    "c": lambda d: slots.fill(d, "color"),
    "g": lambda d: slots.fill(d, "degu"),
}


def say(line: str, rng: Random, seen: bool) -> tuple[str, list[Step], bool]:
    """A sentence for a line of the table, its steps (no two alike), and whether an unseen noun phrase is in it."""
    while True:
        text, steps, unseen = _said(line, rng, seen)
        if all(step not in steps[:at] for at, step in enumerate(steps)):
            return text, steps, unseen


def _said(line: str, rng: Random, seen: bool) -> tuple[str, list[Step], bool]:
    kinds, _, text = line.partition(" | ")
    drawn = _Line(kinds.split(), rng, seen)
    if "{r1}" in text:
        drawn.share(named="{D}" in text)
        text = _with_articles(text, rng)
    words = render(parse(text).parts, rng, drawn.fill)
    return words, [d.step for d in drawn.draws], any(d.unseen_form for d in drawn.draws)


def _with_articles(text: str, rng: Random) -> str:
    """After "in", rooms get their article: "in the hall and the kitchen"."""
    if "in {r" not in text and "vacuum {r" not in text:
        return text
    every = rng.random() < 0.6
    text = text.replace("in {r", "in the {r").replace("vacuum {r", "vacuum the {r")
    if every:
        text = text.replace(", {r", ", the {r").replace("and {r", "and the {r").replace("and in the the", "and in the")
    return text
