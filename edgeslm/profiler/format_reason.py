"""Why one format of a recipe was chosen over the other, once both are built."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from edgeslm.profiler.format_choice import comparison

if TYPE_CHECKING:
    from edgeslm.profiler.contender import Contender
    from edgeslm.profiler.figure import Figure
    from edgeslm.profiler.select import Selection

    Pair = tuple[Figure, Figure]


def with_format_reason(selection: Selection) -> Selection:
    """Return a selection with a note on what the winner's other format does, where one was built and passed."""
    winner = selection.winner
    if winner is None:
        return selection
    mine = winner.candidate
    others = [
        c for c in selection.runners_up if c.candidate.recipe == mine.recipe and c.candidate.format != mine.format
    ]
    notes = [comparison(mine, other.candidate, *_figures(winner, other)) for other in others[:1]]
    return replace(selection, notes=(*selection.notes, *notes))


def _figures(winner: Contender, other: Contender) -> tuple[Pair, Pair]:
    """Return both speeds and both peaks: measured where both were on one machine, else estimated."""
    seen = [(one.observed.decode_tps, one.observed.peak_bytes) for one in (winner, other)]
    (speed, peak), (its_speed, its_peak) = seen
    if speed and its_speed and peak and its_peak and speed.on == its_speed.on:
        return (speed, its_speed), (peak, its_peak)
    mine, its = winner.candidate.estimate, other.candidate.estimate
    return (mine.decode_tps, its.decode_tps), (mine.peak_bytes, its.peak_bytes)
