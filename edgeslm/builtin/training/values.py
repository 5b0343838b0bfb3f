"""Fillers that say a value: shares, degrees, volumes, colours, modes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import numbers
from .vocabulary import COLOR_WORDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from .draw import Draw

CLIMATE_MODES = {
    "thermostat": ("heat", "cool", "auto", "eco", "away", "sleep"),
    "air_conditioner": ("heat", "cool", "auto", "eco", "dry", "fan", "sleep", "turbo"),
}
MODES = {
    "vacuum": ("quiet", "turbo", "spot", "mop"),
    "oven": ("bake", "grill", "convection", "defrost"),
    "washing_machine": ("quick", "eco", "delicate", "cotton", "wool", "intensive"),
    "dishwasher": ("quick", "eco", "intensive", "delicate"),
    "dryer": ("quick", "eco", "delicate", "cotton", "wool"),
    "water_heater": ("eco", "boost", "away"),
}
_MODE_WORDS = {
    "eco": ("eco", "eco", "economy"),
    "heat": ("heat", "heat", "heating"),
    "cool": ("cool", "cool", "cooling"),
    "auto": ("auto", "auto", "automatic"),
    "medium": ("medium", "medium", "mid"),
    "quiet": ("quiet", "quiet", "silent"),
    "delicate": ("delicate", "delicates", "delicate"),
    "grill": ("grill", "grill", "broil"),
    "quick": ("quick", "quick", "fast"),
    "away": ("away", "away", "vacation"),
    "home": ("home", "home", "stay"),
}


def percent(draw: Draw, noun: bool = False) -> str:
    value, text = numbers.percent(draw.rng, noun)
    draw.add(value=value, unit="%")
    return text


def degrees(draw: Draw, unit: bool) -> str:
    if draw.device is not None and draw.device.key == "water_heater":
        value, scale, text = numbers.degrees(draw.rng, 38, 70, True)
    elif draw.rng.random() < 0.22:
        value, scale, text = numbers.fahrenheit(draw.rng, 58, 82)
    else:
        value, scale, text = numbers.degrees(draw.rng, 14, 30, unit)
    _unit(draw, value, scale)
    return text


def _unit(draw: Draw, value: float, unit: str | None) -> None:
    draw.step.pop("unit", None)
    draw.add(value=value, unit=unit)


def oven_degrees(draw: Draw) -> str:
    low, high = (50, 250) if draw.rng.random() < 0.6 else (300, 500)
    step = 10 if high == 250 else 25
    value: numbers.Number = draw.rng.randrange(low, high + 1, step if draw.rng.random() < 0.85 else 5)
    draw_unit = draw.rng.random()
    if draw_unit < 0.3:
        unit, text = None, numbers.spoken(value, draw.rng, 0.25)
    elif draw_unit < 0.7:
        unit, text = (
            "degrees",
            numbers.spoken(value, draw.rng, 0.25) + draw.rng.choice((" degrees", " degrees", " degrees", "°")),
        )
    else:
        unit = "celsius" if high == 250 else "fahrenheit"
        letter = unit[0]
        text = numbers.spoken(value, draw.rng, 0.15) + draw.rng.choice(
            (f" {unit}", f" degrees {unit}", f" {letter}", f"°{letter}", f" {unit}")
        )
    _unit(draw, value, unit)
    return text


def step_by(make: Callable[[Random], tuple[numbers.Number, str | None, str]]) -> Callable[[Draw], str]:
    def fill(draw: Draw) -> str:
        value, unit, text = make(draw.rng)
        _unit(draw, value, unit)
        return text

    return fill


def volume(draw: Draw) -> str:
    if draw.rng.random() < 0.5:
        value = draw.rng.randint(1, 100) if draw.rng.random() < 0.6 else draw.rng.randrange(5, 100, 5)
        _unit(draw, value, None)
        return numbers.spoken(value, draw.rng, 0.35)
    share, text = numbers.percent(draw.rng, False)
    _unit(draw, share, "%")
    return text


def volume_step(draw: Draw) -> str:
    if draw.rng.random() < 0.15:
        _unit(draw, 2, None)
        return "a couple of notches" if draw.rng.random() < 0.6 else "a couple"
    value, unit, text = numbers.share_step(draw.rng)
    if draw.rng.random() < 0.4:
        value = draw.rng.randint(1, 9)
        unit, text = None, numbers.spoken(value, draw.rng, 0.5)
    _unit(draw, value, unit)
    return text


def channel(draw: Draw) -> str:
    value = draw.rng.randint(1, 20) if draw.rng.random() < 0.5 else draw.rng.randint(1, 250)
    draw.add(value=value)
    return numbers.spoken(value, draw.rng, 0.3)


def color(draw: Draw) -> str:
    color = draw.rng.choice(tuple(COLOR_WORDS))
    draw.add(color=color)
    return draw.rng.choice(COLOR_WORDS[color])


def mode(draw: Draw, modes: tuple[str, ...]) -> str:
    mode = draw.rng.choice(modes)
    draw.add(mode=mode)
    return draw.rng.choice(_MODE_WORDS.get(mode, (mode,)))


def device_mode(draw: Draw, table: dict[str, tuple[str, ...]]) -> str:
    assert draw.device is not None
    return mode(draw, table[draw.device.key])
