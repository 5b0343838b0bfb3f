"""Bars of memory, part by part, and of divergence against the gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm.report.markup import Markup, element
from edgeslm_agent.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgeslm.report.points import Point

PARTS = {
    "runtime": "runtime and tokenizer",
    "weights": "weights",
    "kv_cache": "KV cache",
    "activations": "activations",
    "rest": "packed copies and what loading takes",
}


def memory_bars(points: Sequence[Point], budget: float) -> Markup:
    """Return a bar a candidate: its peak in parts, the range above it, and the budget as a line."""
    largest = max(point.peak_high for point in points)
    full = max(largest, min(budget, 2 * largest))  # a budget far away is not drawn
    rows = [element("li", _name(point), _memory_bar(point, full, budget)) for point in points]
    keys = [element("li", element("span", "", class_=f"swatch {part}"), words) for part, words in PARTS.items()]
    return Markup(element("ul", *keys, class_="legend") + element("ul", *rows, class_="bars"))


def divergence_bars(points: Sequence[Point], bound: float | None) -> Markup:
    """Return a bar for each candidate whose divergence was measured, with the gate's bound as a line."""
    measured = [(point, point.kld_mean) for point in points if point.kld_mean is not None]
    if not measured:
        return element("p", "No quality was measured.")
    full = max(kld for _, kld in measured) * 1.05 or 1.0
    full = full if bound is None else max(full, min(bound * 1.1, 4 * full))
    rows = [element("li", _name(point), _divergence_bar(kld, full, bound)) for point, kld in measured]
    return element("ul", *rows, class_="bars")


def _name(point: Point) -> Markup:
    return element("span", point.label, class_=f"label {point.standing}")


def _memory_bar(point: Point, full: float, budget: float) -> Markup:
    parts = dict(point.parts)
    parts["rest"] = max(0.0, point.peak - sum(parts.values()))
    shrink = point.peak / sum(parts.values())
    spans = [
        element(
            "span",
            "",
            class_=f"part {part}",
            style=_width(size * shrink / full),
            title=f"{PARTS[part]}: {format_bytes(size)}",
        )
        for part, size in parts.items()
    ]
    above = element("span", "", class_="part above", style=_width((point.peak_high - point.peak) / full))
    words = f"{format_bytes(point.peak)}, up to {format_bytes(point.peak_high)}"
    said = ", ".join(f"{PARTS[part]} {format_bytes(size)}" for part, size in parts.items())
    return _bar([*spans, above], budget, full, words, f"{words}: {said}")


def _divergence_bar(kld: float, full: float, bound: float | None) -> Markup:
    kept = bound is None or kld <= bound
    span = element("span", "", class_="part kept" if kept else "part broken", style=_width(kld / full))
    words = f"{kld:.3g} nats a token"
    told = words if bound is None else f"{words}, the gate allows {bound:g}"
    return _bar([span], bound, full, told, told)


def _bar(parts: Sequence[Markup], line: float | None, full: float, words: str, said: str) -> Markup:
    shown = list(parts)
    if line is not None and line <= full:
        shown.append(element("span", "", class_="line", style=f"left:{100 * line / full:.2f}%"))
    track = element("span", *shown, class_="track", role="img", aria_label=said)
    return Markup(track + element("span", words, class_="value"))


def _width(share: float) -> str:
    return f"width:{100 * share:.2f}%"
