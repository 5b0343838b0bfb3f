"""The fillers: each slot of a template says some words and adds their meaning to the step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import names, numbers, times, values
from .draw import DOOR_WEIGHTS, OUTDOORS, ROOM_WEIGHTS, Draw
from .noun_phrases import corrected, plain_target, target
from .tables import listed
from .vocabulary import DEVICES, DOORS, ROOMS, SCENE_WORDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

_BUT = listed(
    """
except, except for, but, apart from, other than
""",
    ",",
)
_A_BIT = listed(
    """
a bit, a little, a little bit, slightly, a tad, a touch, somewhat, just a bit
""",
    ",",
)
_PROPERTIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("temperature", ("temperature", "temperature", "temperature", "temp", "room temperature")),
    ("humidity", ("humidity", "humidity", "humidity level", "air humidity", "moisture level")),
    ("air_quality", ("air quality", "air quality", "air quality index", "quality of the air")),
    ("co2", ("co2 level", "co2", "carbon dioxide level", "co2 concentration", "carbon dioxide")),
    ("power", ("power usage", "power consumption", "energy usage", "electricity usage", "energy consumption")),
    ("noise", ("noise level", "noise", "sound level")),
    ("brightness", ("brightness", "light level", "brightness level")),
)
_ALARM_SYSTEM = listed(
    """
the alarm system, the alarm system, the security system, the burglar alarm, the house alarm, the security alarm,
alarm system, my alarm system, our security system, the home security, the home alarm
""",
    ",",
)
_LOCKED = {
    "shed": "shed_door",
    "garage": "garage_door",
    "basement": "basement_door",
    "cellar": "basement_door",
    "office": "office_door",
    "garden shed": "shed_door",
}
_WATCHED = {**{noun: door.key for door in DOORS for noun in door.nouns}, "door": ""}
_GREEN = {
    "garden": "garden",
    "yard": "garden",
    "back yard": "garden",
    "patio plants": "patio",
    "balcony plants": "balcony",
    "garden beds": "garden",
    "porch plants": "porch",
    "plants in the garden": "garden",
    "plants on the balcony": "balcony",
    "plants on the patio": "patio",
    "terrace plants": "patio",
    "flowers in the garden": "garden",
}


def fill(draw: Draw, slot: str) -> str:
    """The words of a slot; its meaning goes into the step."""
    return _FILLERS[slot](draw)


def _device_word(draw: Draw) -> str:
    assert draw.device is not None
    draw.add(device=draw.device.key)
    return draw.word(draw.plural)


def _device_words(draw: Draw) -> str:
    assert draw.device is not None
    draw.add(device=draw.device.key)
    return draw.word(True)


def _in(draw: Draw) -> str:
    if draw.place is None:
        draw.place = draw.fitting_place()
    return draw.locative(draw.place)


def _inq(draw: Draw) -> str:
    chance = draw.rng.random()
    return _in(draw) if chance < 0.6 else "in here" if chance < 0.8 else ""


def _room(draw: Draw) -> str:
    if draw.place is None:
        indoors = draw.device is None and draw.step.get("device") in ("thermostat", "vacuum", "window", "blinds")
        draw.place = draw.fitting_place() if indoors else draw.rng.choices(ROOMS, ROOM_WEIGHTS)[0]
    draw.add(room=draw.place.key)
    return draw.noun(draw.place)


def _except(draw: Draw) -> str:
    place = draw.rng.choices(ROOMS, ROOM_WEIGHTS)[0]
    draw.add(**{"except": place.key})
    return draw.noun(place)


def _door(draw: Draw) -> str:
    door = draw.rng.choices(DOORS, DOOR_WEIGHTS)[0]
    draw.add(room=door.key)
    noun = draw.noun(door)
    return draw.rng.choice(
        (
            f"the {noun}",
            f"the {noun}",
            f"the {noun}",
            f"the {noun}",
            f"my {noun}",
            noun,
            f"our {noun}",
            f"the {noun}",
            f"the {noun}",
        )
    )


def _other_door(draw: Draw) -> str:
    door = draw.rng.choices(DOORS, DOOR_WEIGHTS)[0]
    draw.add(**{"except": door.key})
    return f"the {draw.noun(door)}"


def _from_table(table: dict[str, str], key: str) -> Callable[[Draw], str]:
    texts = tuple(table)

    def fill(draw: Draw) -> str:
        text = draw.rng.choice(texts)
        draw.add(**{key: table[text] or None})
        return text

    return fill


def _timed(make: Callable[[Random], tuple[times.Times, str]]) -> Callable[[Draw], str]:
    def fill(draw: Draw) -> str:
        meaning, text = make(draw.rng)
        draw.add(**meaning)
        return text

    return fill


def _keyed(key: str, make: Callable[[Random], tuple[str, str]], before: str = "") -> Callable[[Draw], str]:
    def fill(draw: Draw) -> str:
        value, text = make(draw.rng)
        draw.add(**{key: value})
        return before + text

    return fill


def _reminder_when(draw: Draw) -> str:
    meaning, text = times.when(draw.rng, may_last=False)
    draw.add(**meaning)
    return text


def _property(draw: Draw) -> str:
    key, texts = draw.rng.choices(_PROPERTIES, (5, 4, 3, 2, 2, 1.5, 1.5))[0]
    draw.add(property=key)
    return draw.rng.choice(texts)


def _scene(draw: Draw) -> str:
    scene = draw.rng.choice(tuple(SCENE_WORDS))
    draw.add(name=scene)
    return draw.rng.choice(SCENE_WORDS[scene])


def _player(draw: Draw) -> str:
    """Where to play: a speaker, with or without its room."""
    draw.device, draw.plural = DEVICES["speaker"], draw.rng.random() < 0.3
    draw.everything = False
    if draw.place is None and draw.rng.random() < 0.65:
        draw.place = draw.fitting_place()
    return plain_target(draw)


def _television(draw: Draw) -> str:
    draw.device, draw.plural = DEVICES["tv" if draw.rng.random() < 0.85 else "projector"], False
    draw.everything = False
    if draw.place is None and draw.rng.random() < 0.5:
        draw.place = draw.fitting_place()
    return plain_target(draw)


def _opened(make: Callable[[Random], str]) -> Callable[[Draw], str]:
    return lambda draw: draw.name(make(draw.rng))


def _number(draw: Draw) -> bool:
    return (draw.plural or draw.everything) and not (draw.device is not None and draw.device.key == "all")


def _article(draw: Draw) -> str:
    return draw.rng.choice(("the ", "the ", "", "my "))


def _outdoors(draw: Draw) -> str:
    draw.place = draw.rng.choice(OUTDOORS)
    return draw.locative(draw.place)


_FILLERS: dict[str, Callable[[Draw], str]] = {
    "t": target,
    "d": _device_word,
    "ds": _device_words,
    "in": lambda d: corrected(d, _in, 0.0),
    "inq": _inq,
    "room": _room,
    "x": _except,
    "but": lambda d: d.rng.choice(_BUT),
    "door": lambda d: corrected(d, _door),
    "door2": _other_door,
    "locked": _from_table(_LOCKED, "room"),
    "watched": _from_table(_WATCHED, "room"),
    "green": _from_table(_GREEN, "room"),
    "inout": _outdoors,
    "is": lambda d: "are" if _number(d) else "is",
    "isnt": lambda d: "aren't" if _number(d) else "isn't",
    "it": lambda d: "them" if _number(d) else "it",
    "abit": lambda d: d.rng.choice(_A_BIT),
    "pct": lambda d: corrected(d, values.percent),
    "npct": lambda d: values.percent(d, noun=True),
    "deg": lambda d: corrected(d, lambda e: values.degrees(e, unit=False)),
    "degu": lambda d: values.degrees(d, unit=True),
    "odeg": lambda d: corrected(d, values.oven_degrees),
    "ddeg": values.step_by(numbers.degree_step),
    "dpct": values.step_by(numbers.share_step),
    "vol": lambda d: corrected(d, values.volume),
    "dvol": values.volume_step,
    "n": values.channel,
    "color": lambda d: corrected(d, values.color),
    "cmode": lambda d: values.device_mode(d, values.CLIMATE_MODES),
    "fmode": lambda d: values.mode(
        d, ("low", "medium", "high", "auto", "turbo") if d.rng.random() < 0.3 else ("low", "medium", "high")
    ),
    "mode": lambda d: values.device_mode(d, values.MODES),
    "lmode": lambda d: values.mode(d, values.MODES["washing_machine"]),
    "wmode": lambda d: values.mode(d, values.MODES["dishwasher"]),
    "vmode": lambda d: values.mode(d, ("quiet", "turbo")),
    "omode": lambda d: values.mode(d, values.MODES["oven"]),
    "amode": lambda d: values.mode(d, ("home", "away", "night")),
    "as": lambda d: d.rng.choice(_ALARM_SYSTEM),
    "dur": lambda d: corrected(d, _keyed("for", numbers.duration)),
    "adur": _keyed("for", numbers.adjective_duration),
    "for_dur": _keyed("for", numbers.duration, "for "),
    "in_dur": _keyed("in", numbers.duration, "in "),
    "clock": lambda d: corrected(d, _keyed("at", times.clock)),
    "for_clock": lambda d: corrected(d, _keyed("at", times.clock, "for ")),
    "by_clock": _keyed("at", times.clock, "by "),
    "at": _timed(times.at),
    "day": _timed(times.day),
    "for_day": _timed(times.for_day),
    "rwhen": _reminder_when,
    "prop": _property,
    "scene": _scene,
    "sp": _player,
    "tv": _television,
    "song": lambda d: d.name(names.song(d.rng), article=False),
    "todo": _opened(names.todo),
    "what": _opened(names.what),
    "tname": _opened(names.timer),
    "the": _article,
    "place": lambda d: d.rng.choice(names.PLACES),
    "nothing": lambda d: names.impossible(d.rng),
    "noise": lambda d: names.pseudo(d.rng),
    "keys": lambda d: names.keys(d.rng),
    "word": lambda d: d.rng.choice(names.WORDS),
}
