"""What a report reads out of a selection's document: one point a candidate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Standing = Literal["winner", "front", "kept", "rejected"]


@dataclass(frozen=True)
class Point:
    """One candidate: its peak memory (bytes, with the upper end), its speed or time, and how it stands."""

    label: str
    variant: str
    recipe: str
    standing: Standing
    peak: float
    peak_high: float
    parts: Mapping[str, float]
    speed: float
    kld_mean: float | None
    measured: bool
    reasons: tuple[str, ...]


def points_of(document: Mapping[str, Any]) -> tuple[Point, ...]:
    """Return the candidates of an `edgeslm.selection/1` document, the winner first."""
    winner = document["winner"]
    best = None if winner is None else label_of(winner)
    return tuple(_point(candidate, best, document) for candidate in document["candidates"])


def label_of(candidate: Mapping[str, Any]) -> str:
    """Return what tells a candidate from others: its bundle, or its variant."""
    return str(candidate.get("bundle") or candidate["variant"])


def speed_title(document: Mapping[str, Any]) -> str:
    """Return what the plot's vertical axis shows."""
    task = document.get("task")
    if task is None:
        return "decode, tokens a second (more is better)"
    return f"time of an answer, s (less is better): prompt of {task['prompt']}, answer of {task['answer']} tokens"


def _point(candidate: Mapping[str, Any], best: str | None, document: Mapping[str, Any]) -> Point:
    label, estimate = label_of(candidate), candidate["estimate"]
    seen = _on_board(candidate.get("measured", {}), str(document["device"]))
    peak = seen.get("peak_bytes", estimate["peak_bytes"])
    decode, first = (seen.get(name, estimate[name]) for name in ("decode_tps", "first_token_s"))
    task = document.get("task")
    speed = decode["value"] if task is None else first["value"] + (task["answer"] - 1) / decode["value"]
    parts = {name: estimate[f"{name}_bytes"]["value"] for name in ("runtime", "weights", "kv_cache", "activations")}
    quality = candidate.get("quality") or {}
    return Point(
        label,
        str(candidate["variant"]),
        str(candidate["recipe"]),
        _standing(candidate, label, best, document),
        peak["value"],
        peak["high"],
        parts,
        speed,
        quality.get("kld_mean"),
        bool(seen),
        tuple(map(str, candidate["reasons"])),
    )


def _on_board(measured: Mapping[str, Any], device: str) -> Mapping[str, Any]:
    """Return the measured figures that hold for the board: those of this machine do for `here` alone."""
    figures = {name: figure for name, figure in measured.items() if isinstance(figure, dict)}
    return {name: figure for name, figure in figures.items() if figure["on"] != "host" or device == "here"}


def _standing(candidate: Mapping[str, Any], label: str, best: str | None, document: Mapping[str, Any]) -> Standing:
    if label == best:
        return "winner"
    if not candidate["kept"]:
        return "rejected"
    return "front" if label in document.get("pareto", ()) else "kept"
