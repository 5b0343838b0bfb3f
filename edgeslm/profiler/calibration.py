"""Fits a board's constants to what was measured, and says how far they may be off.

Each constant of `speed.seconds` is, in logarithms, a typical value plus what is known beforehand (a datasheet's
bandwidth), plus one deviation for each trait of the measurement: its kind of processor, its board, its runtime, its
format, ... Each deviation has a prior width. So rows of the same board inform each other, and a board that nobody
measured is predicted from others that share traits with it, with a wider range. That is a Gaussian process with
equal-trait kernels; the physics is linearised at the current constants and solved again until they stay
(Gauss-Newton), and rows that fit nothing else lose weight (Student's t). Everything is closed form: equal inputs give
equal figures.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgeslm.profiler.speed import Constants, Work, seconds
from edgeslm.profiler.speed_priors import CONSTANTS, Priors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

ROUNDS = 12  # of Gauss-Newton; two more move the times of 465 public rows by 0.1 % in the middle and 7 % at most
STEP = 1e-4  # of a constant's logarithm, for the slope of the physics
TAIL = 4.0  # degrees of freedom of the noise: a few rows of any public table are far off
STRETCH_PRIOR = 5.0  # measurements that count for no stretch
STRETCH_LIMIT = 25.0  # on what one measurement counts for: five standard deviations squared
COUNT = len(CONSTANTS)
DAMPING = 0.5  # of each step: whole ones swing between memory-bound and thread-bound for rows near the corner


@dataclass(frozen=True)
class Case:
    """Work on a board under a runtime. `traits` say what it shares with other cases, `typical` what is known before.

    A trait that is '' or missing means no deviation of that sort.
    """

    work: Work
    typical: Constants
    traits: Mapping[str, str]


@dataclass(frozen=True)
class Measurement:
    """A case, its seconds, and the tokens read or written meanwhile; `noise` is the figure's own rounding, relative."""

    case: Case
    seconds: float
    tokens: float = 1
    noise: float = 0.0


@dataclass(frozen=True)
class Prediction:
    """Seconds with the ends of a 90 % range."""

    seconds: float
    low: float
    high: float


@dataclass(frozen=True)
class Calibration:
    """Constants fitted to measurements; it predicts cases."""

    priors: Priors
    cases: tuple[Case, ...]
    slopes: Array  # (measurements, constants)
    target: Array  # (measurements,): the logarithms of the seconds, less the physics without deviations, linearised
    left: Array  # (measurements,): what the fit leaves
    pull: Array  # (measurements,): the residuals, through the inverse of their covariance
    inverse: Array  # (measurements, measurements)
    stretch: Mapping[str, float]

    def constants(self, case: Case) -> Constants:
        """Return the board's constants for a case, the middle of what is believed."""
        return _constants(self._deviations([case])[0], case)

    def predict(self, case: Case) -> Prediction:
        """Return the seconds a case will take, with a range."""
        return self.predict_all([case])[0]

    def predict_all(self, cases: Sequence[Case]) -> list[Prediction]:
        """Predict many cases at once."""
        deviations = self._deviations(cases)
        slopes = _all_slopes(deviations, cases)
        cross = self._covariance(cases, slopes)
        alone = (slopes**2 * _variances(cases, self.priors)).sum(1)
        explained = ((cross @ self.inverse) * cross).sum(1)
        spread = np.sqrt(np.maximum(alone - explained, 0) + self.priors.noise**2)
        middles = [seconds(case.work, _constants(row, case)) for row, case in zip(deviations, cases, strict=True)]
        stretched = spread * [_stretch_of(case, self.priors.stretched_by, self.stretch) for case in cases]
        factors = np.exp(self.priors.widening * stretched)
        return [Prediction(m, m / f, m * f) for m, f in zip(middles, factors.tolist(), strict=True)]

    def _deviations(self, cases: Sequence[Case]) -> Array:
        shared = kernels(cases, self.cases, self.priors)
        return _deviations(shared, self.slopes, self.pull)

    def _covariance(self, cases: Sequence[Case], slopes: Array) -> Array:
        return _covariance(kernels(cases, self.cases, self.priors), slopes, self.slopes)


def calibrate(measurements: Sequence[Measurement], priors: Priors) -> Calibration:
    """Fit the constants to measurements, none at all included: then predictions are what the priors say."""
    cases = tuple(one.case for one in measurements)
    observed = np.log([one.seconds for one in measurements])
    shared = kernels(cases, cases, priors)
    noise = np.array([priors.noise**2 + one.noise**2 for one in measurements])
    deviations, doubt = np.zeros((len(cases), COUNT)), np.ones(len(cases))
    for _ in range(ROUNDS):
        slopes = _all_slopes(deviations, cases)
        reached = np.array([_log_seconds(row, case) for row, case in zip(deviations, cases, strict=True)])
        target = observed - reached + (slopes * deviations).sum(1)
        covariance = _covariance(shared, slopes, slopes)
        inverse = np.asarray(np.linalg.inv(covariance + np.diag(noise * doubt)), np.float64)
        pull = inverse @ target
        expected = 1 / np.diag(inverse) + noise * (1 - doubt)
        moved = _deviations(shared, slopes, pull) - deviations
        deviations = deviations + moved * DAMPING
        left = target - (slopes * deviations).sum(1)
        doubt = (doubt + (TAIL + left**2 / noise) / (TAIL + 1)) / 2  # half way: outliers would swing else
    stretch = _stretches(cases, priors.stretched_by, pull / np.diag(inverse), expected)
    return Calibration(priors, cases, slopes, target, left, pull, inverse, stretch)


def _stretches(cases: Sequence[Case], traits: Sequence[str], off: Array, expected: Array) -> Mapping[str, float]:
    """Return how much further than expected measurements were off, each left out of the fit: by runtime, and by group.

    Tables differ: careful benches of one file format repeat within 5 %, conversions by many hands miss by 30 %. A group
    (one version on one board) starts from what its runtime does. `off` and `expected` (a variance) are those of leaving
    one out, in closed form from the inverse covariance.
    """
    squares = np.minimum(off**2 / expected, STRETCH_LIMIT)
    found: dict[str, float] = {}
    for trait in traits:
        groups: dict[str, list[int]] = {}
        for place, case in enumerate(cases):
            groups.setdefault(_shared(case, trait), []).append(place)
        groups.pop("", None)
        found |= {
            name: math.sqrt(
                (STRETCH_PRIOR * _stretch_of(cases[places[0]], traits, found) ** 2 + squares[places].sum())
                / (STRETCH_PRIOR + len(places))
            )
            for name, places in groups.items()
        }
    return found


def _stretch_of(case: Case, traits: Sequence[str], found: Mapping[str, float]) -> float:
    """Return the stretch of the smallest group a case belongs to."""
    names = [_shared(case, trait) for trait in traits]
    return next((found[name] for name in reversed(names) if name in found), 1.0)


def _constants(deviations: Array, case: Case) -> Constants:
    typical = vars(case.typical).values()
    return Constants(*(value * math.exp(off) for value, off in zip(typical, deviations.tolist(), strict=True)))


def _log_seconds(deviations: Array, case: Case) -> float:
    return math.log(seconds(case.work, _constants(deviations, case)))


def _all_slopes(deviations: Array, cases: Sequence[Case]) -> Array:
    """Return how the logarithm of each case's seconds changes with that of each constant, (cases, constants)."""
    reached = np.array([_log_seconds(row, case) for row, case in zip(deviations, cases, strict=True)]).reshape(-1, 1)
    moved = [
        [_log_seconds(row + step, case) for step in STEP * np.eye(COUNT)]
        for row, case in zip(deviations, cases, strict=True)
    ]
    return np.asarray((np.array(moved).reshape(-1, COUNT) - reached) / STEP, np.float64)


def kernels(rows: Sequence[Case], columns: Sequence[Case], priors: Priors) -> Array:
    """Return the covariance of each constant between cases, (constants, rows, columns)."""
    total = np.zeros((COUNT, len(rows), len(columns)))
    for trait, widths in priors.widths.items():
        left, right = ([_shared(case, trait) for case in cases] for cases in (rows, columns))
        codes = {value: code for code, value in enumerate(sorted({*left, *right} - {""}))}
        a, b = (np.array([codes.get(value, -1) for value in side]) for side in (left, right))
        equal = (a[:, None] == b[None, :]) & (a[:, None] >= 0)
        total += np.square(widths)[:, None, None] * equal
    return total


def _covariance(kernels: Array, left: Array, right: Array) -> Array:
    """Return the covariance of the logarithms of the seconds, (rows, columns), from that of the constants."""
    return sum((np.outer(left[:, j], right[:, j]) * kernels[j] for j in range(COUNT)), np.zeros(kernels.shape[1:]))


def _deviations(kernels: Array, slopes: Array, pull: Array) -> Array:
    """Return what the residuals say of each row's constants, (rows, constants)."""
    return np.stack([kernels[j] @ (slopes[:, j] * pull) for j in range(COUNT)], axis=1)


def _variances(cases: Sequence[Case], priors: Priors) -> Array:
    """Return the prior variance of each case's constants, (cases, constants)."""
    present = np.array([[bool(_shared(case, trait)) for trait in priors.widths] for case in cases])
    return np.where(present, 1.0, 0.0) @ np.square(list(priors.widths.values()))


def _shared(case: Case, trait: str) -> str:
    values = [case.traits.get(name, "") for name in trait.split("+")]
    return "" if "" in values else "|".join(values)
