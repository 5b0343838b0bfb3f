"""Which formats a board is planned for, and why the chosen one goes before the other.

Pure Python: the plan imports this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm_agent.units import format_bytes, format_rate
from edgeslm_exporters.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgeslm.catalog import Profile
    from edgeslm.profiler.candidate import Candidate
    from edgeslm.profiler.figure import Figure

DEFAULT = "onnx"
LEAD = 1.1  # another format goes first when it is so much better: estimates of two runtimes nobody timed are no closer


def working_formats(profile: Profile) -> tuple[str, ...]:
    """Return the formats whose runtime the profile says can be installed; ONNX where it says so of none."""
    litert = profile.litert is not None and profile.litert.newest is not None
    onnx = profile.onnxruntime.newest is not None or not litert
    return (*((DEFAULT,) if onnx else ()), *(("tflite",) if litert else ()))


def both_timed(profile: Profile) -> bool:
    """Return whether a probe of such a board timed both runtimes, so that their estimates compare.

    Raises ConfigError for a probe that is damaged or was removed.
    """
    if profile.probed is None:
        return False
    from edgeslm.profiler.reach import record_at  # numpy comes with it

    return {row.format for row in record_at(profile.probed).rows} == set(FORMATS)


def format_notes(profile: Profile, candidates: Sequence[Candidate]) -> Iterator[str]:
    """Yield what is to be said of the choice between formats; `candidates` are the kept, in the plan's order."""
    if profile.litert is None:
        yield f"nothing is known of ai-edge-litert on {profile.name}: TFLite is planned only when --format names it"
    first = candidates[0] if candidates else None
    others = [candidate for candidate in candidates if first and candidate.format != first.format]
    if first is None or not others:
        return
    other = next((candidate for candidate in others if candidate.recipe == first.recipe), others[0])
    mine, theirs = first.estimate, other.estimate
    yield comparison(first, other, (mine.decode_tps, theirs.decode_tps), (mine.peak_bytes, theirs.peak_bytes))


def comparison(first: Candidate, other: Candidate, speed: tuple[Figure, Figure], memory: tuple[Figure, Figure]) -> str:
    """Return why one format of a recipe goes before the other: their speeds and peaks, and where these come from."""
    rates = " against ".join(format_rate(figure.value) for figure in speed)
    peaks = " against ".join(format_bytes(figure.value) for figure in memory)
    basis = f"{speed[0].basis} on {speed[0].on}"
    gains = _gains(speed, memory)
    if first.weight_error < other.weight_error:
        gains.append("is more exact")
    tied = f"about equal, and then {DEFAULT} goes first" if first.format == DEFAULT else "just better for the objective"
    why = f"it {' and '.join(gains)}" if gains else tied
    names = f"{first.format} ({first.recipe}) before {other.format} ({other.recipe})"
    return f"{names}: {rates}, {peaks} at the peak ({basis}); {why}"


def _gains(speed: tuple[Figure, Figure], memory: tuple[Figure, Figure]) -> list[str]:
    faster = speed[0].value > LEAD * speed[1].value
    smaller = LEAD * memory[0].value < memory[1].value
    return [*(["is faster"] if faster else []), *(["takes less memory"] if smaller else [])]
