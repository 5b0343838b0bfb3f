"""A contender: a candidate of a plan with what was observed of it, on the board or elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from edgeslm.profiler.outlook import Outlook, answer_time, reading_time
from edgeslm.profiler.task import usual_task

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from edgeslm.profiler.candidate import Candidate
    from edgeslm.profiler.figure import Figure
    from edgeslm.profiler.task import Task

QualityStatus = Literal["passed", "failed", "measured", "not measured"]


@dataclass(frozen=True)
class QualityEvidence:
    """A gate's verdict, with a reason for every bound that was broken; `measured`: no gate was held against it.

    `kld_mean` is in nats a token, None when unknown.
    """

    status: QualityStatus
    gate: str | None = None
    reasons: tuple[str, ...] = ()
    kld_mean: float | None = None


NOT_MEASURED = QualityEvidence("not measured")


@dataclass(frozen=True)
class Observed:
    """Measured figures of one contender, wherever they were taken: each says `on` what, and `runtime` with which one.

    `energy_per_token_j` is the energy of answers divided by the tokens they wrote.
    """

    peak_bytes: Figure | None = None
    decode_tps: Figure | None = None
    prefill_tps: Figure | None = None
    first_token_s: Figure | None = None
    energy_per_token_j: Figure | None = None
    runtime: str = ""


NOTHING = Observed()


@dataclass(frozen=True)
class Contender:
    """A candidate of a plan with what is known of it by now. `label` tells equal variants apart (a bundle's path)."""

    candidate: Candidate
    observed: Observed = NOTHING
    quality: QualityEvidence = NOT_MEASURED
    label: str = ""


def name(contender: Contender) -> str:
    """Return what to call a contender in a sentence: its label, or its variant."""
    return contender.label or contender.candidate.variant


def known(contender: Contender, guess: Outlook, task: Task | None, places: Collection[str]) -> Outlook:
    """Return what is known of a contender on the board: each figure measured there where it was, else the `guess`."""
    seen = contender.observed
    if seen == NOTHING:
        return guess
    peak, decode, energy = (
        on_board(figure, places) for figure in (seen.peak_bytes, seen.decode_tps, seen.energy_per_token_j)
    )
    first = on_board(seen.first_token_s, places)
    if task is not None:  # measured with a prompt of another length
        reading = on_board(seen.prefill_tps, places)
        first = None if reading is None else reading_time(reading, task.prompt)
    task = task or usual_task(contender.candidate.context)
    return Outlook(
        peak or guess.peak_bytes,
        first or guess.first_token_s,
        decode or guess.decode_tps,
        answer_time(first, decode, task) if first and decode else guess.answer_s,
        guess.kld_mean,
        guess.energy_j if energy is None else energy.scaled(task.answer, "J"),
    )


def on_board(figure: Figure | None, places: Collection[str]) -> Figure | None:
    """Return a figure if it was measured in one of these places."""
    return figure if figure is not None and figure.basis == "measured" and figure.on in places else None


def same_runtime(
    contenders: Sequence[Contender], places: Collection[str]
) -> tuple[tuple[Contender, ...], tuple[str, ...]]:
    """Return the contenders without what an older runtime measured on the board where a newer one measured others.

    Speeds of two versions of a runtime do not compare; what is left out is said in sentences.
    """
    newest: dict[str, tuple[int, ...]] = {}
    for seen in (entry.observed for entry in contenders if _counts(entry.observed, places)):
        package, version = _version(seen.runtime)
        newest[package] = max(version, newest.get(package, ()))
    counted, notes = [], []
    for entry in contenders:
        if not _counts(entry.observed, places):
            counted.append(entry)
            continue
        package, version = _version(entry.observed.runtime)
        if version == newest[package]:
            counted.append(entry)
            continue
        now = ".".join(map(str, newest[package]))
        notes.append(
            f"{name(entry)} was measured with {entry.observed.runtime}, others with {now}: its estimate counts"
        )
        counted.append(replace(entry, observed=NOTHING))
    return tuple(counted), tuple(sorted(notes))


def _counts(seen: Observed, places: Collection[str]) -> bool:
    return bool(seen.runtime) and on_board(seen.decode_tps, places) is not None


def _version(runtime: str) -> tuple[str, tuple[int, ...]]:
    """Return `onnxruntime 1.20.1` as its package and numbers that can be compared."""
    package, _, version = runtime.partition(" ")
    return package, tuple(int(part) for part in version.split(".") if part.isdigit())
