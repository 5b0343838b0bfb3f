"""Chooses among variants, and says why: constraints first, then the objective. Pure: figures in, a selection out.

1. A contender is rejected for every constraint it breaks: what the plan dropped it for, the board's memory, a quality
   gate that failed or was never held against it.
2. Those measured on the board go before those that are only estimated: what was seen beats what is hoped for.
3. Among equals the objective decides, by measured figures if the board's own, else by estimates.

A figure counts for a board only if it was taken there: `on` is the profile's name or one of its devices. A measurement
of this machine (`host`) counts for the profile `here` and for no other. Quality is a property of the artefact and
counts wherever it was measured.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from edgeslm.profiler.plan import candidate_document, memory_reasons, order
from edgeslm_agent.errors import NothingFits

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from edgeslm.catalog import Profile
    from edgeslm.profiler.figure import Figure
    from edgeslm.profiler.plan import Candidate, Objective

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
    """Measured figures of one contender, wherever they were taken: each says `on` what."""

    peak_bytes: Figure | None = None
    decode_tps: Figure | None = None
    prefill_tps: Figure | None = None
    first_token_s: Figure | None = None


@dataclass(frozen=True)
class Contender:
    """A candidate of a plan with what is known of it by now. `label` tells equal variants apart (a bundle's path)."""

    candidate: Candidate
    observed: Observed = Observed()
    quality: QualityEvidence = NOT_MEASURED
    label: str = ""


@dataclass(frozen=True)
class Rejected:
    """A contender that may not win, with every reason."""

    contender: Contender
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Selection:
    """The winner (None when every contender was rejected), the others in order, and the rejected with their reasons.

    `basis_line` says in one sentence whether the choice rests on measurements or on estimates.
    """

    device: str
    objective: Objective
    basis_line: str
    winner: Contender | None
    runners_up: tuple[Contender, ...]
    rejected: tuple[Rejected, ...]

    def require_winner(self) -> None:
        """Raise NothingFits with every reason when every contender was rejected."""
        if self.winner is None:
            reasons = [f"{name(entry.contender)}: {reason}" for entry in self.rejected for reason in entry.reasons]
            hint = "export with another --recipe, a shorter --context or for a larger board, or choose another --gate"
            raise NothingFits(self.basis_line, hint, reasons)

    def document(self) -> dict[str, Any]:
        """Return the selection as JSON-ready data, with the keys of `edgeslm.selection/1`."""
        standing = [] if self.winner is None else [self.winner, *self.runners_up]
        rejected = [
            {**contender_document(entry.contender), "kept": False, "reasons": list(entry.reasons)}
            for entry in self.rejected
        ]
        kept = [contender_document(contender) for contender in standing]
        return {
            "basis": self.basis_line,
            "device": self.device,
            "objective": self.objective,
            "candidates": [*kept, *rejected],
            "winner": kept[0] if kept else None,
            "runners_up": kept[1:],
            "rejected": rejected,
        }


def name(contender: Contender) -> str:
    """Return what to call a contender in a sentence: its label, or its variant."""
    return contender.label or contender.candidate.variant


def contender_document(contender: Contender) -> dict[str, Any]:
    """Return a contender as JSON-ready data: the candidate's keys, `measured` beside `estimate`, and its quality."""
    measured = {name: figure for name, figure in asdict(contender.observed).items() if figure is not None}
    labelled = {"bundle": contender.label} if contender.label else {}
    quality = asdict(contender.quality)
    return {**candidate_document(contender.candidate), **labelled, "measured": measured, "quality": quality}


def select(
    contenders: Sequence[Contender],
    profile: Profile,
    objective: Objective = "speed",
    *,
    gated: bool = True,
    devices: Collection[str] = (),
) -> Selection:
    """Choose the best contender for the board of `profile`.

    `gated` says that quality must have passed a gate; `devices` names the devices (FLEET/ID) that are such boards.
    """
    places = {"host", profile.name} if profile.name == "here" else {profile.name, *devices}
    verdicts = [(entry, tuple(_reasons(entry, profile, places, gated=gated))) for entry in contenders]
    allowed = sorted((entry for entry, reasons in verdicts if not reasons), key=lambda e: _key(e, objective, places))
    rejected = [Rejected(entry, reasons) for entry, reasons in verdicts if reasons]
    rejected.sort(key=lambda entry: (entry.contender.candidate.variant, entry.contender.label))
    winner = allowed[0] if allowed else None
    line = _basis_line(winner, objective, profile, places)
    return Selection(profile.name, objective, line, winner, tuple(allowed[1:]), tuple(rejected))


def _reasons(contender: Contender, profile: Profile, places: Collection[str], *, gated: bool) -> Iterator[str]:
    candidate = contender.candidate
    feared = memory_reasons(candidate.estimate.peak_bytes, profile)
    yield from (reason for reason in candidate.reasons if reason not in feared)
    seen = _on_board(contender.observed.peak_bytes, places)  # what was seen there overrules what was feared
    yield from (feared if seen is None else memory_reasons(seen, profile))
    if gated and contender.quality.status == "failed":
        yield from contender.quality.reasons or (f"failed the {contender.quality.gate} gate",)
    elif gated and contender.quality.status != "passed" and not candidate.reasons:  # a dropped one was never built
        yield f"its quality was {contender.quality.status}, but no gate passed: run `edgeslm eval` on it"


def _on_board(figure: Figure | None, places: Collection[str]) -> Figure | None:
    return figure if figure is not None and figure.basis == "measured" and figure.on in places else None


def _judged_by(contender: Contender, objective: Objective, places: Collection[str]) -> Figure | None:
    """Return the measured figure that the objective can use, if it was taken on the board."""
    observed = contender.observed
    figure = observed.peak_bytes if objective == "memory" else observed.decode_tps
    return _on_board(figure, places)


def _key(contender: Contender, objective: Objective, places: Collection[str]) -> tuple[Any, ...]:
    """Return the sort key, best first. The order is total: neither input order nor a worse rival changes the winner."""
    candidate, kld = contender.candidate, contender.quality.kld_mean
    seen = _judged_by(contender, objective, places)
    by_estimate = (*order(candidate, objective), candidate.variant, contender.label)
    if objective == "quality":
        return (kld is None, kld or 0.0, *by_estimate)
    value = 0.0 if seen is None else seen.value if objective == "memory" else -seen.value
    return (seen is None, value, *by_estimate)


def _basis_line(winner: Contender | None, objective: Objective, profile: Profile, places: Collection[str]) -> str:
    if winner is None:
        return f"no choice for {profile.name}: every candidate was rejected"
    if objective == "quality" and winner.quality.kld_mean is not None:
        return f"chosen on measured quality; that it fits {profile.name} rests on {_fit(winner, places)}"
    seen = _judged_by(winner, objective, places)
    if seen is not None:
        return f"chosen on measurements taken on {seen.on}; that it fits rests on {_fit(winner, places)}"
    return f"chosen on estimates for {profile.name}: nothing was measured on such a device"


def _fit(winner: Contender, places: Collection[str]) -> str:
    return "estimates" if _on_board(winner.observed.peak_bytes, places) is None else "measurements"
