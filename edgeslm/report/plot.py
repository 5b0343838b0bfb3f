"""The Pareto plot: peak memory against speed, one mark a candidate, the board's budget as a line. Inline SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm.report.markup import Markup, element
from edgeslm.report.scale import scale_of
from edgeslm_agent.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgeslm.report.points import Point, Standing
    from edgeslm.report.scale import Scale

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 20, 52
MB = 2**20
FAR = 4  # times the largest candidate: a budget beyond it is told and not drawn
MEANING: dict[Standing, str] = {
    "winner": "chosen",
    "front": "beaten by none in memory, time and quality at once",
    "kept": "fits, and another is better",
    "rejected": "rejected, or never built",
}


def plot(points: Sequence[Point], budget: float, title: str) -> Markup:
    """Return the plot; `budget` are the bytes that the board leaves, `title` is what the vertical axis shows."""
    sizes = [figure / MB for point in points for figure in (point.peak, point.peak_high)]
    near = budget / MB <= FAR * max(sizes)
    across = scale_of([*sizes, *([budget / MB] if near else [])], LEFT, WIDTH - RIGHT)
    up = scale_of([point.speed for point in points], HEIGHT - BOTTOM, TOP)
    drawn = [*_axes(across, up, title), *_budget(across, budget, near=near)]
    drawn += [part for point in reversed(points) for part in _mark(point, across, up)]
    drawn += _names([point for point in points if point.standing in {"winner", "front"}], across, up)
    described = f"Peak memory against {title}: {len(points)} candidates; the table below has every figure."
    return element("svg", element("title", described), *drawn, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img")


def legend() -> Markup:
    """Return what each kind of mark means."""
    rows = []
    for standing, meaning in MEANING.items():
        mark = element("svg", _shape(standing, 8, 8), viewBox="0 0 16 16", class_="key", aria_hidden="true")
        rows.append(element("li", mark, meaning))
    return element("ul", *rows, class_="legend")


def _axes(across: Scale, up: Scale, title: str) -> list[Markup]:
    bottom = HEIGHT - BOTTOM
    found = []
    for tick in across.ticks():
        x = across(tick)
        found.append(element("line", x1=x, x2=x, y1=TOP, y2=bottom, class_="grid"))
        found.append(element("text", f"{tick:.3g}", x=x, y=bottom + 18, text_anchor="middle"))
    for tick in up.ticks():
        y = up(tick)
        found.append(element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="grid"))
        found.append(element("text", f"{tick:.3g}", x=LEFT - 8, y=y + 4, text_anchor="end"))
    found.append(
        element("text", "peak memory, MB (less is better)", x=(LEFT + WIDTH) / 2, y=HEIGHT - 8, text_anchor="middle")
    )
    found.append(element("text", title, x=LEFT - 56, y=TOP - 8))
    return found


def _budget(across: Scale, budget: float, *, near: bool) -> list[Markup]:
    words = f"the board leaves {format_bytes(budget)}"
    place: dict[str, str | float] = {"y": HEIGHT - BOTTOM - 8, "text_anchor": "end", "class_": "budget-name"}
    if not near:
        return [element("text", f"{words}, far to the right", x=WIDTH - RIGHT, **place)]
    x = across(budget / MB)
    line = element("line", x1=x, x2=x, y1=TOP, y2=HEIGHT - BOTTOM, class_="budget")
    return [line, element("text", words, x=x - 6, **place)]


def _mark(point: Point, across: Scale, up: Scale) -> list[Markup]:
    x, y = across(point.peak / MB), up(point.speed)
    words = f"{point.label}: {MEANING[point.standing]}; peak {format_bytes(point.peak)}, {point.speed:.3g}"
    reach = element("line", x1=x, x2=across(point.peak_high / MB), y1=y, y2=y, class_=f"reach {point.standing}")
    return [reach, element("g", element("title", words), _shape(point.standing, x, y))]


def _shape(standing: Standing, x: float, y: float) -> Markup:
    if standing == "rejected":
        cross = f"M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8"
        return element("path", d=cross, class_="mark rejected")
    radius = {"winner": 7, "front": 5, "kept": 5}[standing]
    return element("circle", cx=x, cy=y, r=radius, class_=f"mark {standing}")


def _names(points: Sequence[Point], across: Scale, up: Scale) -> list[Markup]:
    """Return the recipes' names beside their marks, leaving out those that would lie on another."""
    found: list[Markup] = []
    taken: list[tuple[float, float]] = []
    for point in points:
        x, y = across(point.peak / MB), up(point.speed) - 10
        if any(abs(y - other) < 14 and abs(x - at) < 110 for at, other in taken):
            continue
        taken.append((x, y))
        anchor = "end" if x > WIDTH / 2 else "start"
        found.append(element("text", point.recipe, x=x, y=y, text_anchor=anchor, class_="name"))
    return found
