"""Figures as people read them: three digits, with the range they lie in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm_agent.units import format_bytes, format_rate, format_seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgeslm.profiler.figure import Figure

_WRITERS: dict[str, Callable[[float], str]] = {
    "bytes": format_bytes,
    "tokens/s": format_rate,
    "s": format_seconds,
}


def shown(figure: Figure) -> str:
    """Return `328 (190 to 390) MB`, with a unit each when they differ, or the value alone when it is exact."""
    write = _WRITERS[figure.unit]
    if figure.low == figure.high:
        return write(figure.value)
    texts = [write(number) for number in (figure.value, figure.low, figure.high)]
    units = {text.partition(" ")[2] for text in texts}
    if len(units) == 1:
        value, low, high = (text.partition(" ")[0] for text in texts)
        return f"{value} ({low} to {high}) {units.pop()}"
    return f"{texts[0]} ({texts[1]} to {texts[2]})"
