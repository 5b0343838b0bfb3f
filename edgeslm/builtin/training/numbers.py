"""Numbers as people say them, and the values they stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .tables import listed

if TYPE_CHECKING:
    from random import Random

UNITS = listed("""
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
eighteen nineteen
""")
TENS = listed("""
- - twenty thirty forty fifty sixty seventy eighty ninety
""")

Number = int | float


def words(number: int) -> str:
    """A whole number below 1000 in words."""
    if number < 20:
        return UNITS[number]
    if number < 100:
        return TENS[number // 10] + (" " + UNITS[number % 10] if number % 10 else "")
    rest = f" {words(number % 100)}" if number % 100 else ""
    return f"{UNITS[number // 100]} hundred{rest}"


def spoken(number: Number, rng: Random, as_words: float = 0.3) -> str:
    """A number in digits or, now and then, in words."""
    if rng.random() >= as_words:
        return str(number)
    if isinstance(number, float):
        return f"{words(int(number))} point five" if rng.random() < 0.5 else f"{words(int(number))} and a half"
    return words(number)


def percent(rng: Random, noun: bool) -> tuple[Number, str]:
    """A share and its words; `noun` where only "N percent" fits."""
    draw = rng.random()
    if draw < 0.14:
        value, texts = rng.choice(_SHARES)
        return value, rng.choice(texts) if not noun else texts[0]
    value = rng.randrange(5, 101, 5) if draw < 0.7 else rng.randint(1, 100)
    unit = rng.choice(("%", "%", "%", " percent", " percent", " percent", " per cent", " %"))
    as_words = 0.0 if "%" in unit else 0.4
    return value, spoken(value, rng, as_words) + unit


_SHARES: tuple[tuple[int, tuple[str, ...]], ...] = (
    (50, ("half", "half", "half", "one half")),
    (25, ("a quarter", "a quarter", "one quarter")),
    (75, ("three quarters", "three quarters")),
    (100, ("full", "maximum", "full", "max", "the maximum")),
    (100, ("maximum", "maximum", "full")),
)


def degrees(rng: Random, low: int, high: int, unit: bool) -> tuple[Number, str | None, str]:
    """A temperature between two bounds: its value, its unit if one was said, its words."""
    value: Number = rng.randint(low, high)
    if high <= 35 and rng.random() < 0.12:
        value += 0.5
    draw = rng.random()
    if draw < (0.0 if unit else 0.3):
        return value, None, spoken(value, rng)
    if draw < 0.75:
        return (
            value,
            "degrees",
            spoken(value, rng) + rng.choice((" degrees", " degrees", " degrees", " degrees", "°", " deg")),
        )
    scale, texts = _CELSIUS if high <= 35 or rng.random() < 0.5 else _FAHRENHEIT
    return value, scale, spoken(value, rng, 0.2) + rng.choice(texts)


def fahrenheit(rng: Random, low: int, high: int) -> tuple[Number, str | None, str]:
    """A temperature on the other scale, said with its name or as plain degrees."""
    value = rng.randint(low, high)
    if rng.random() < 0.4:
        return value, "degrees", spoken(value, rng) + " degrees"
    return value, "fahrenheit", spoken(value, rng, 0.2) + rng.choice(_FAHRENHEIT[1])


_CELSIUS = ("celsius", (" celsius", " degrees celsius", " c", "°c", " centigrade", " degrees c"))
_FAHRENHEIT = ("fahrenheit", (" fahrenheit", " degrees fahrenheit", " f", "°f", " fahrenheit", " degrees f"))


def degree_step(rng: Random) -> tuple[Number, str | None, str]:
    """How many degrees more or less: value, unit if said, words."""
    draw = rng.random()
    if draw < 0.12:
        return 2, "degrees", rng.choice(("a couple of degrees", "a couple degrees"))
    if draw < 0.26:
        return 1, "degrees", rng.choice(("a degree", "one degree", "1 degree"))
    if draw < 0.32:
        return 0.5, "degrees", rng.choice(("half a degree", "half a degree", "0.5 degrees"))
    value = rng.randint(2, 8)
    if draw < 0.5:
        return value, None, spoken(value, rng, 0.5)
    if draw < 0.9:
        return value, "degrees", spoken(value, rng, 0.5) + " degrees"
    scale = rng.choice(("celsius", "fahrenheit"))
    return value, scale, spoken(value, rng, 0.4) + rng.choice((f" degrees {scale}", f" {scale}"))


def share_step(rng: Random) -> tuple[Number, str | None, str]:
    """By how much something gets brighter, faster, louder: value, unit if said, words."""
    value = rng.choice((5, 10, 10, 15, 20, 20, 25, 30, 40, 50, rng.randint(1, 60)))
    if rng.random() < 0.2:
        return value, None, spoken(value, rng)
    return value, "%", spoken(value, rng, 0.0) + "%" if rng.random() < 0.5 else spoken(value, rng) + " percent"


def duration(rng: Random, longest: int = 12 * 60) -> tuple[str, str]:
    """A length of time: "1h30m" and its words."""
    draw = rng.random()
    if draw < 0.1:
        seconds = rng.choice((10, 15, 20, 30, 40, 45, 90, rng.randint(5, 55)))
        return f"{seconds}s", spoken(seconds, rng) + rng.choice((" seconds", " seconds", " sec", " secs"))
    if draw < 0.3:
        return rng.choice(_LENGTHS)
    if draw < 0.75 or longest < 60:
        minutes = rng.choice((5, 10, 15, 20, 25, 30, 40, 45, rng.randint(2, 59), rng.randint(2, 59)))
        return f"{minutes}m", spoken(minutes, rng) + rng.choice((" minutes", " minutes", " minutes", " min", " mins"))
    if draw < 0.79:
        return rng.choice(_ROUND)
    hours = rng.choice((2, 2, 3, 3, 4, 5, 6, 8, 9, 10, 12))
    if draw < 0.92:
        return f"{hours}h", spoken(hours, rng) + rng.choice((" hours", " hours", " hours", " hrs"))
    minutes = rng.choice((5, 10, 15, 20, 30, 45))
    hours = rng.choice((1, 1, 2, 3))
    first = rng.choice(("an hour", "one hour", "1 hour")) if hours == 1 else spoken(hours, rng) + " hours"
    return f"{hours}h{minutes}m", f"{first} and {spoken(minutes, rng)} minutes"


def _pairs(table: str) -> list[tuple[str, str]]:
    """Lines of "value: words"."""
    split = (line.split(": ", 1) for line in table.strip().splitlines())
    return [(value, text) for value, text in split]


_LENGTHS = _pairs("""
30m: half an hour
30m: half an hour
30m: a half hour
1h: an hour
1h: an hour
1h: one hour
1h: 1 hour
1h30m: an hour and a half
1h30m: one and a half hours
1h30m: 1.5 hours
1m: a minute
1m: one minute
1m: 1 minute
15m: a quarter of an hour
2h: a couple of hours
2m: a couple of minutes
2h30m: two and a half hours
45m: three quarters of an hour
90s: a minute and a half
""")
_ROUND = _pairs("""
1h: 60 minutes
1h: sixty minutes
1h30m: 90 minutes
1h30m: ninety minutes
2h: 120 minutes
1h15m: 75 minutes
1h40m: 100 minutes
""")


def adjective_duration(rng: Random) -> tuple[str, str]:
    """A length of time as it stands before a noun: "10m", "10 minute"."""
    draw = rng.random()
    if draw < 0.1:
        return rng.choice(
            (
                ("30m", "half hour"),
                ("1h", "one hour"),
                ("1h", "1 hour"),
                ("1m", "one minute"),
                ("1h30m", "hour and a half"),
                ("1h30m", "90 minute"),
            )
        )
    unit, word, number = (
        ("s", "second", rng.choice((10, 20, 30, 45, 90))) if draw < 0.2 else ("m", "minute", rng.randint(2, 59))
    )
    if draw > 0.9:
        unit, word, number = "h", "hour", rng.randint(2, 12)
    return f"{number}{unit}", spoken(number, rng) + rng.choice((f" {word}", f" {word}", f"-{word}", f" {word}"))
