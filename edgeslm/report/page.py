"""The page: what was chosen and why, the Pareto plot, memory, quality against the gate, and every rejection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgeslm.profiler.bounds import FORMATS
from edgeslm.profiler.gate import gate_named
from edgeslm.profiler.prices import TITLES
from edgeslm.report.bars import divergence_bars, memory_bars
from edgeslm.report.markup import Markup, element, table
from edgeslm.report.plot import legend, plot
from edgeslm.report.points import points_of, speed_title
from edgeslm.report.theme import STYLE
from edgeslm_agent.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from edgeslm.profiler.bounds import BoundName
    from edgeslm.profiler.gate import Gate
    from edgeslm.report.points import Point


@dataclass(frozen=True)
class Metric:
    """One line of the quality's table: its key in the document, in words, the gate's bound, whether more is better."""

    key: str
    words: str
    bound: str | None = None
    more: bool = False

    def row(self, value: float, gate: Gate | None) -> tuple[str, ...]:
        """Return value, bound and verdict as people read them."""
        bound = None if gate is None or self.bound is None else getattr(gate, self.bound)
        if bound is None:
            return self.words, f"{value:.4g}", "", ""
        kept = value >= bound if self.more else value <= bound
        limit = f"at {'least' if self.more else 'most'} {bound:g}"
        return self.words, f"{value:.4g}", limit, "kept" if kept else "broken"


LIMITS: dict[str, BoundName] = {
    "memory_bytes": "memory",
    "first_token_s": "first_token",
    "answer_s": "answer",
    "decode_tps": "decode",
    "kld_mean": "divergence",
    "energy_j": "energy",
}
METRICS = (
    Metric("kld_mean", "mean divergence, nats a token", "kld_mean"),
    Metric("kld_p99", "99 % of tokens diverge less than, nats"),
    Metric("kld_p999", "99.9 % of tokens diverge less than, nats", "kld_p999"),
    Metric("top1_agreement", "same most likely token, share", "top1_agreement", more=True),
    Metric("ppl_ratio", "perplexity, times that of fp32", "ppl_ratio"),
    Metric("flips", "answers that changed, share", "flips"),
    Metric("exact_match", "exact answers, share", more=True),
)


def page(document: Mapping[str, Any]) -> str:
    """Return one HTML page for an `edgeslm.selection/1` document.

    It needs no other file and no network.
    """
    points = points_of(document)
    winner = document["winner"]
    chosen = "nothing fits" if winner is None else str(winner["variant"])
    title = f"{chosen} for {document['device']}"
    head = element(
        "head",
        Markup('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        element("title", title),
        Markup(f"<style>{STYLE}</style>"),
    )
    body = element("body", element("main", element("h1", title), *_sections(document, points)))
    return "<!doctype html>\n" + element("html", head, body, lang="en") + "\n"


def _sections(document: Mapping[str, Any], points: Sequence[Point]) -> Iterator[Markup]:
    budget = document["app_budget_bytes"]
    yield element("p", str(document["basis"]), class_="lead")
    yield from (element("p", sentence) for sentence in _wanted(document))
    yield from (element("p", str(note), class_="soft") for note in document.get("notes", ()))
    if points:
        yield element("h2", "Memory against speed")
        yield plot(points, budget, speed_title(document))
        yield legend()
        yield element("h2", "Peak memory")
        yield memory_bars(points, budget)
    yield element("h2", "Quality against the gate")
    yield from _quality(document, points)
    yield element("h2", "Every candidate")
    yield _figures(points, speed_title(document))
    yield element("h2", "Why the rejected were rejected")
    yield _rejected(points)
    yield from _bundle(document)


def _wanted(document: Mapping[str, Any]) -> Iterator[str]:
    limits = document.get("limits") or {}
    kept = "".join(f"; {TITLES[LIMITS[name]]} {FORMATS[LIMITS[name]](bound)}" for name, bound in limits.items())
    yield f"Wanted: {document['objective']}{kept}."
    binding = document.get("binding")
    if binding is not None:
        yield f"The binding limit: {binding['sentence']}."


def _quality(document: Mapping[str, Any], points: Sequence[Point]) -> Iterator[Markup]:
    quality = document.get("quality") or (document["winner"] or {}).get("quality") or {}
    gate = _gate(quality)
    yield divergence_bars(points, None if gate is None else gate.kld_mean)
    known = [(metric, quality[metric.key]) for metric in METRICS if quality.get(metric.key) is not None]
    rows = [metric.row(float(value), gate) for metric, value in known]
    if rows:
        data = f" on {quality['data']}" if quality.get("data") else ""
        caption = f"The winner{data}: {quality['status']}" + ("" if gate is None else f", gate {gate.name}")
        yield table(("measure", "value", "gate", ""), rows, caption)


def _gate(quality: Mapping[str, Any]) -> Gate | None:
    return gate_named(str(quality["gate"])) if quality.get("gate") else None


def _figures(points: Sequence[Point], speed: str) -> Markup:
    rows = [
        (
            point.label,
            point.standing,
            format_bytes(point.peak),
            format_bytes(point.peak_high),
            f"{point.speed:.3g}",
            "measured" if point.measured else "estimated",
            "not measured" if point.kld_mean is None else f"{point.kld_mean:.3g}",
        )
        for point in points
    ]
    columns = ("candidate", "", "peak memory", "up to", speed, "basis", "mean KL, nats")
    return table(columns, rows, "Figures of the board, with the upper end of the memory's range")


def _rejected(points: Sequence[Point]) -> Markup:
    found = [point for point in points if point.reasons]
    if not found:
        return element("p", "None was.")
    items = []
    for point in found:
        reasons = element("ul", *(element("li", reason) for reason in point.reasons))
        items.append(element("li", element("strong", point.label), reasons))
    return element("ul", *items, class_="rejections")


def _bundle(document: Mapping[str, Any]) -> Iterator[Markup]:
    bundle = document.get("bundle")
    if bundle is not None:
        yield element("h2", "The bundle")
        yield element("p", f"{bundle['path']}, {format_bytes(bundle['bytes'])}, id {bundle['id']}")
