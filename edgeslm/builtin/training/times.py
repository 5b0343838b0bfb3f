"""Times of day and days, as people say them, and what they stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .numbers import duration, words
from .tables import listed

if TYPE_CHECKING:
    from random import Random

WEEKDAYS = listed("""
monday tuesday wednesday thursday friday saturday sunday
""")
Times = dict[str, str]


def clock(rng: Random) -> tuple[str, str]:
    """A time of day without preposition: "19:30" and "half past seven in the evening"."""
    if rng.random() < 0.06:
        return rng.choice((("12:00", "noon"), ("00:00", "midnight"), ("12:00", "midday")))
    hour = rng.choice((6, 7, 7, 8, 9, 10, 11, 12, 1, 2, 3, 4, 5, 6, 8))
    minute = rng.choice((0, 0, 0, 0, 30, 30, 15, 45, rng.randrange(5, 60, 5), rng.randint(1, 59)))
    if rng.random() < 0.12:
        return _military(rng, minute)
    half, suffix = _half(rng, hour)
    text = _said(rng, hour, minute)
    if "o'clock" not in text and "past" not in text and " to " not in text and half and rng.random() < 0.8:
        suffix = rng.choice(
            (" am", " am", "am", " a.m.", "a.m.") if half == "am" else (" pm", " pm", "pm", " p.m.", "p.m.")
        )
    return _folded(hour, minute, half), text + suffix


def _military(rng: Random, minute: int) -> tuple[str, str]:
    hour = rng.choice((*range(13, 24), rng.randint(0, 9)))
    return f"{hour:02d}:{minute:02d}", f"{hour:02d}:{minute:02d}"


def _half(rng: Random, hour: int) -> tuple[str, str]:
    """Which half of the day is said, and the words for it."""
    draw = rng.random()
    if draw < 0.3:
        return "", ""
    if hour == 12:
        return ("pm", " pm") if draw < 0.8 else ("am", " am")
    if draw < 0.6:
        return "am", " in the morning" if hour >= 4 else " am"
    return "pm", (" in the afternoon" if hour <= 5 else " in the evening" if hour <= 10 else " at night")


def _folded(hour: int, minute: int, half: str) -> str:
    if half == "pm" and hour != 12:
        hour += 12
    if half == "am" and hour == 12:
        hour = 0
    return f"{hour:02d}:{minute:02d}"


def _said(rng: Random, hour: int, minute: int) -> str:
    draw = rng.random()
    name = words(hour) if draw < 0.3 else str(hour)
    if minute == 0:
        return rng.choice((name, name, name, f"{hour}:00", f"{name} o'clock"))
    follow = words(hour % 12 + 1) if draw < 0.3 else str(hour % 12 + 1)
    if rng.random() < 0.3 and minute in _PAST | _TO and not (minute in _TO and hour in (11, 12)):
        return f"{_PAST[minute]} {name}" if minute in _PAST else f"{_TO[minute]} {follow}"
    if rng.random() < 0.15:
        said = words(minute) if minute > 9 else f"oh {words(minute)}"
        return f"{words(hour)} {said}"
    return f"{hour}{rng.choice((':', ':', ':', ':', '.'))}{minute:02d}"


_PAST = {30: "half past", 15: "quarter past", 10: "ten past", 5: "five past", 20: "twenty past"}
_TO = {45: "quarter to", 50: "ten to", 40: "twenty to", 55: "five to"}


def at(rng: Random) -> tuple[Times, str]:
    """A moment with its preposition: at seven, at sunset, tonight at nine."""
    draw = rng.random()
    if draw < 0.2:
        return rng.choice(_SUN)
    if draw < 0.3:
        hour, minute = rng.randint(6, 11), rng.choice((0, 0, 0, 30, 15, 45))
        said = f"at {_said(rng, hour, minute)}"
        return {"at": _folded(hour, minute, "pm")}, rng.choice(
            (f"{said} tonight", f"tonight {said}", f"{said} this evening", f"this evening {said}")
        )
    if draw < 0.35:
        hour, minute = rng.randint(5, 11), rng.choice((0, 0, 30, 15))
        said = f"at {_said(rng, hour, minute)}"
        return {"at": _folded(hour, minute, "am")}, rng.choice((f"{said} this morning", f"this morning {said}"))
    value, text = clock(rng)
    return {"at": value}, f"{_at(rng)}{text}"


def _at(rng: Random) -> str:
    return rng.choice(("at ", "at ", "at ", "at ", "at ", "at ", "around ", "by "))


_SUNSET = listed(
    """
at sunset, at sunset, when the sun sets, when the sun goes down, at dusk, at sundown
""",
    ",",
)
_SUNRISE = listed(
    """
at sunrise, at sunrise, when the sun rises, when the sun comes up, at dawn
""",
    ",",
)
_SUN: list[tuple[Times, str]] = [
    *(({"at": "sunset"}, text) for text in _SUNSET),
    *(({"at": "sunrise"}, text) for text in _SUNRISE),
]


def day(rng: Random) -> tuple[Times, str]:
    """A day or a rhythm: tomorrow, every day, on weekdays, on fridays."""
    draw = rng.random()
    if draw < 0.3:
        return {"days": "tomorrow"}, "tomorrow"
    if draw < 0.5:
        return {"days": "daily"}, rng.choice(("every day", "every day", "daily", "each day", "every single day"))
    if draw < 0.62:
        return {"days": "weekdays"}, rng.choice(
            ("on weekdays", "on weekdays", "every weekday", "weekdays", "during the week", "monday to friday")
        )
    if draw < 0.72:
        return {"days": "weekends"}, rng.choice(
            ("on weekends", "on weekends", "every weekend", "on the weekend", "at the weekend", "weekends")
        )
    name = rng.choice(WEEKDAYS)
    return {"days": name}, rng.choice(
        (
            f"on {name}",
            f"on {name}",
            f"every {name}",
            f"every {name}",
            f"on {name}s",
            f"next {name}",
            f"this {name}",
            name,
        )
    )


def for_day(rng: Random) -> tuple[Times, str]:
    """A day after "for": for tomorrow, for weekdays, for monday."""
    name = rng.choice(WEEKDAYS)
    days, text = rng.choice(
        (
            ("tomorrow", "tomorrow"),
            ("tomorrow", "tomorrow"),
            ("weekdays", "weekdays"),
            ("weekends", "the weekend"),
            (name, name),
            (name, name),
        )
    )
    return {"days": days}, f"for {text}"


def day_and_time(rng: Random) -> tuple[Times, str]:
    """A moment on a day, in either order, parts of the day folded in."""
    draw = rng.random()
    if draw < 0.25:
        return _part_of_day(rng)
    days, day_text = day(rng)
    moment, text = at(rng)
    if "tonight" in text or "this " in text:
        return moment, text
    return {**moment, **days}, f"{day_text} {text}" if rng.random() < 0.35 else f"{text} {day_text}"


def _part_of_day(rng: Random) -> tuple[Times, str]:
    part, half, hours = rng.choice(
        (
            ("morning", "am", range(5, 12)),
            ("evening", "pm", range(6, 11)),
            ("afternoon", "pm", range(1, 6)),
            ("night", "pm", range(8, 12)),
        )
    )
    hour, minute = rng.choice(hours), rng.choice((0, 0, 0, 30, 15, 45))
    name = rng.choice(WEEKDAYS)
    days, text = rng.choice(
        (
            ("tomorrow", f"tomorrow {part}"),
            ("daily", f"every {part}"),
            (name, f"{name} {part}"),
            (name, f"on {name} {part}"),
            (name, f"every {name} {part}"),
        )
    )
    said = f"at {_said(rng, hour, minute)}"
    return {
        "at": _folded(hour, minute, half),
        "days": days,
    }, f"{text} {said}" if rng.random() < 0.5 else f"{said} {text}"


def later(rng: Random) -> tuple[Times, str]:
    """A delay: in ten minutes, an hour from now."""
    value, text = duration(rng)
    return {"in": value}, rng.choice(
        (f"in {text}", f"in {text}", f"in {text}", f"in {text}", f"{text} from now", f"after {text}")
    )


def lasting(rng: Random) -> tuple[Times, str]:
    """A length: for ten minutes."""
    value, text = duration(rng)
    return {"for": value}, rng.choice((f"for {text}", f"for {text}", f"for {text}", f"for the next {text}"))


def when(rng: Random, may_last: bool) -> tuple[Times, str]:
    """Any time phrase, sometimes two of them."""
    draw = rng.random()
    if draw < 0.4:
        return at(rng)
    if draw < 0.58:
        return later(rng)
    if draw < 0.8 and may_last:
        times, text = lasting(rng)
        if rng.random() < 0.15:
            more, extra = at(rng)
            return {**times, **more}, rng.choice((f"{extra} {text}", f"{text} {extra}"))
        return times, text
    if draw < 0.95:
        return day_and_time(rng)
    return day(rng)
