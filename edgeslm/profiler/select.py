"""Chooses among variants, and says why: constraints first, then the objective. Pure: figures in, a selection out.

1. A contender is rejected for every bound it breaks: what the plan dropped it for, the board's memory, the user's
   limits, a quality gate that failed or was never held against it.
2. Those measured on the board go before those that are only estimated: what was seen beats what is hoped for.
3. Among equals the objective decides, by measured figures if the board's own, else by estimates.
4. What each bound keeps out has a price; the bound that costs most is the binding one (`prices.py`).

A figure counts for a board only if it was taken there: `on` is the profile's name or one of its devices. A measurement
of this machine (`host`) counts for the profile `here` and for no other. Quality is a property of the artefact and
counts wherever it was measured.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from edgeslm.profiler.aim import FASTEST, aim_document
from edgeslm.profiler.bounds import Broken, broken
from edgeslm.profiler.candidate import candidate_document
from edgeslm.profiler.contender import known, name, on_board, same_runtime
from edgeslm.profiler.format_choice import both_timed
from edgeslm.profiler.outlook import estimated
from edgeslm.profiler.pareto import front
from edgeslm.profiler.prices import Entry, Price, prices
from edgeslm.profiler.ranking import candidate_cost, order
from edgeslm.profiler.unknown import energy_unknown
from edgeslm_agent.errors import NothingFits

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from edgeslm.catalog import Profile
    from edgeslm.profiler.aim import Aim, Objective
    from edgeslm.profiler.candidate import Candidate
    from edgeslm.profiler.contender import Contender, QualityEvidence
    from edgeslm.profiler.figure import Figure
    from edgeslm.profiler.outlook import Outlook


@dataclass(frozen=True)
class Rejected:
    """A contender that may not win, with every reason."""

    contender: Contender
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Selection:
    """The winner (None when every contender was rejected), the others in order, and the rejected with their reasons.

    `basis_line` says in one sentence whether the choice rests on measurements or on estimates. `pareto` names those
    that no other beats in memory, time and quality at once; `prices` say what each bound keeps out, the binding one
    first; `notes` what did not count, and why.
    """

    device: str
    aim: Aim
    basis_line: str
    winner: Contender | None
    runners_up: tuple[Contender, ...]
    rejected: tuple[Rejected, ...]
    pareto: tuple[str, ...] = ()
    prices: tuple[Price, ...] = ()
    notes: tuple[str, ...] = ()
    app_budget_bytes: int = 0

    @property
    def objective(self) -> Objective:
        """What decided."""
        return self.aim.objective

    def require_winner(self) -> None:
        """Raise NothingFits with every reason when every contender was rejected."""
        if self.winner is None:
            reasons = [f"{name(entry.contender)}: {reason}" for entry in self.rejected for reason in entry.reasons]
            price = f"; {self.prices[0].sentence()}" if self.prices else ""
            hint = "export with another --recipe, a shorter --context or for a larger board, or loosen limits or --gate"
            raise NothingFits(f"{self.basis_line}{price}", hint, reasons)

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
            **aim_document(self.aim, self.prices),
            "app_budget_bytes": self.app_budget_bytes,
            "pareto": list(self.pareto),
            "notes": list(self.notes),
            "candidates": [*kept, *rejected],
            "winner": kept[0] if kept else None,
            "runners_up": kept[1:],
            "rejected": rejected,
        }


def contender_document(contender: Contender) -> dict[str, Any]:
    """Return a contender as JSON-ready data: the candidate's keys, `measured` beside `estimate`, and its quality."""
    measured = {name: figure for name, figure in asdict(contender.observed).items() if figure}
    labelled = {"bundle": contender.label} if contender.label else {}
    quality = asdict(contender.quality)
    return {**candidate_document(contender.candidate), **labelled, "measured": measured, "quality": quality}


def select(
    contenders: Sequence[Contender],
    profile: Profile,
    aim: Aim = FASTEST,
    *,
    gated: bool = True,
    devices: Collection[str] = (),
) -> Selection:
    """Choose the best contender for the board of `profile`.

    `gated` says that quality must have passed a gate; `devices` names the devices (FLEET/ID) that are such boards.
    """
    places = {"host", profile.name} if profile.name == "here" else {profile.name, *devices}
    counted, notes = same_runtime(contenders, places)
    bench = _Bench(profile, aim, replace(aim, objective="speed"), places, gated, both_timed(profile))
    judged = [bench.judge(entry) for entry in counted]
    allowed = sorted((one for one in judged if not one.reasons), key=lambda one: one.entry.key)
    rejected = [Rejected(one.contender, one.reasons) for one in judged if one.reasons]
    rejected.sort(key=lambda entry: (entry.contender.candidate.variant, entry.contender.label))
    standing = [one.contender for one in allowed]
    winner = standing[0] if standing else None
    return Selection(
        profile.name,
        aim,
        _basis_line(winner, aim, profile, places),
        winner,
        tuple(standing[1:]),
        tuple(rejected),
        tuple(name(allowed[index].contender) for index in sorted(front([one.costs for one in allowed]))),
        prices([one.entry for one in judged]),
        notes,
        profile.budget_bytes,
    )


@dataclass(frozen=True)
class _Judged:
    """A contender with every reason against it, as prices see it, and with its costs: bytes, seconds, loss."""

    contender: Contender
    reasons: tuple[str, ...]
    entry: Entry
    costs: tuple[float, float, float]


@dataclass(frozen=True)
class _Bench:
    """What contenders are judged by: the board, what is wanted of it, the same for the time alone, what counts.

    `timed` says that a probe of it timed both runtimes.
    """

    profile: Profile
    aim: Aim
    time: Aim
    places: Collection[str]
    gated: bool
    timed: bool

    def judge(self, contender: Contender) -> _Judged:
        candidate, aim = contender.candidate, self.aim
        guess = estimated(candidate, aim.task, contender.quality.kld_mean)
        outlook = known(contender, guess, aim.task, self.places)
        forms = self._forms(candidate, guess)
        breaks = self._breaks(contender, outlook)
        value = candidate_cost(contender.candidate, outlook, aim)
        key = self._key(contender, guess, value)
        loss = candidate.weight_error if outlook.kld_mean is None else outlook.kld_mean
        return _Judged(
            contender,
            (*forms, *(one.reason for one in breaks)),
            Entry(name(contender), key, value, breaks, possible=not forms),
            (outlook.peak_bytes.value, candidate_cost(contender.candidate, outlook, self.time), loss),
        )

    def _forms(self, candidate: Candidate, guess: Outlook) -> tuple[str, ...]:
        """Return why the board cannot run a candidate, whatever the bounds: what was seen overrules what was feared."""
        if not candidate.reasons:
            return ()
        feared = {one.reason for one in broken(guess, self.profile, self.aim.limits, built=False)}
        return tuple(reason for reason in candidate.reasons if reason not in feared)

    def _breaks(self, contender: Contender, outlook: Outlook) -> tuple[Broken, ...]:
        built = bool(contender.label) or not contender.candidate.reasons  # what the plan dropped was never built
        breaks = broken(outlook, self.profile, self.aim.limits, built=built)
        return (*breaks, *_gate(contender.quality, built=built)) if self.gated else breaks

    def _key(self, contender: Contender, guess: Outlook, value: float) -> tuple[Any, ...]:
        """Return the sort key, best first.

        The order is total: neither input order nor a worse rival changes the winner.
        """
        candidate, kld = contender.candidate, contender.quality.kld_mean
        ordered = order(candidate, guess, self.aim, timed=self.timed)
        by_estimate = (*ordered, candidate.variant, contender.label)
        if self.aim.objective == "quality":
            return (kld is None, kld or 0.0, *by_estimate)
        unseen = _judged_by(contender, self.aim, self.places) is None
        return (unseen, 0.0 if unseen else value, *by_estimate)


def _gate(quality: QualityEvidence, *, built: bool) -> Iterator[Broken]:
    if quality.status == "failed":
        for reason in quality.reasons or (f"failed the {quality.gate} gate",):
            yield Broken("gate", 1, math.inf, reason)
    elif quality.status != "passed" and built:
        reason = f"its quality was {quality.status}, but no gate passed: run `edgeslm eval` on it"
        yield Broken("gate", 1, math.inf, reason)


def _judged_by(contender: Contender, aim: Aim, places: Collection[str]) -> Figure | None:
    """Return the measured figure that the objective can use, if it was taken on the board."""
    seen = contender.observed
    figures = {"memory": seen.peak_bytes, "first-token": seen.first_token_s, "energy": seen.energy_per_token_j}
    return on_board(figures.get(aim.objective, seen.decode_tps), places)


def _basis_line(winner: Contender | None, aim: Aim, profile: Profile, places: Collection[str]) -> str:
    if winner is None:
        return f"no choice for {profile.name}: every candidate was rejected"
    if aim.objective == "quality" and winner.quality.kld_mean is not None:
        return f"chosen on measured quality; that it fits {profile.name} rests on {_fit(winner, places)}"
    seen = _judged_by(winner, aim, places)
    if seen is not None:
        return f"chosen on measurements taken on {seen.on}; that it fits rests on {_fit(winner, places)}"
    if aim.objective == "energy" and winner.candidate.estimate.energy_j is None:
        return energy_unknown(profile.name)
    return f"chosen on estimates for {profile.name}: nothing was measured on such a device"


def _fit(winner: Contender, places: Collection[str]) -> str:
    return "estimates" if on_board(winner.observed.peak_bytes, places) is None else "measurements"
