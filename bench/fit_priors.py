"""Writes profiles/speed.yaml: how far boards and runtimes deviate from typical constants, and how far single rows do.

For trial widths, every group of bench/published-speeds.yaml is predicted with none of its rows known, large groups
also with five, the others with all but one: in closed form, from one fit of all rows. What counts is the likelihood
of the left-out decoding speeds (Student's t), a group counting once. Widths move by steps, one at a time, from the
guesses below, which pull weakly; a width of 0 stays 0. Equal rows give an equal file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bench import speed_cases
from bench.prediction import NOT_DECODING, PROBE_ROWS
from bench.published import KNOWN, Row, read_rows
from edgeslm.catalog.folder import profiles_folder
from edgeslm.profiler.calibration import TAIL, Measurement, calibrate, kernels
from edgeslm.profiler.speed_priors import CONSTANTS, Priors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgeslm.profiler.calibration import Array

# Standard deviations of logarithms to begin with, in the order of Constants: bandwidth, thread_bandwidth, thread_rate,
# layer_s, share. What can be far off is a share of everything, in which the physics is linear: a shared cause that only
# slows (other cores, an unknown board, a runtime, half a model on the GPU) must not be taken for a narrower memory.
# Published rows say nothing of attention and calls by themselves: the constants behind share stay as they are.
GUESSES = {
    "all": (0.3, 0.3, 0.7, 0.7, 0.3, 0, 0),
    "kind": (0.1, 0, 1.0, 0.7, 0.3, 0, 0),
    "core": (0.1, 0.3, 0.5, 0.2, 0.3, 0, 0),
    "soc+kind": (0.1, 0.2, 0.4, 0.2, 0.3, 0, 0),
    "unknown": (0, 0, 0, 0, 0.8, 0, 0),
    "board+kind": (0, 0, 0, 0, 0.1, 0, 0),
    "runtime+kind": (0.1, 0.2, 0.4, 0.4, 0.3, 0, 0),
    "version+board+kind": (0.1, 0.1, 0.3, 0.4, 0.2, 0, 0),
    "format+kind": (0.05, 0.15, 0.15, 0, 0.05, 0, 0),
    "format+version+kind": (0, 0.1, 0.1, 0, 0.05, 0, 0),
    "format+version+board+kind": (0.04, 0, 0.1, 0, 0, 0, 0),
    "model": (0, 0, 0.15, 0, 0.1, 0, 0),
    "model+version+board+kind": (0, 0, 0.1, 0, 0.04, 0, 0),
    "family+kind": (0, 0, 0.1, 0, 0.08, 0, 0),
    "family+runtime+kind": (0, 0, 0.1, 0, 0.05, 0, 0),
    "crowded": (0, 0, 0, 0, 1.0, 0, 0),
    "setup": (0, 0, 0, 0, 0.6, 0, 0),
}
NOISE, WIDENING = 0.06, 1.9  # the widening is chosen: with the normal 1.645 too few ranges held
STEP, LEAST, MOST, SWEEPS = 1.6, 0.005, 1.2, 3
PULL = 0.08  # of a guess, on the squared logarithm of how far a width moved from it
DRAWS, SINGLE = 6, 4  # probes drawn of a large group; rows that a group needs to leave out one at a time
HEADER = """\
# How far the constants of edgeslm/profiler/speed.py deviate from typical values, as standard deviations of
# logarithms, by what boards and runtimes share; `noise` is that of one published row, `widening` takes a deviation to
# the end of a 90 % range. Fitted on bench/published-speeds.yaml by `python -m bench.fit_priors`, which remakes this
# file.
"""


@dataclass(frozen=True)
class Fold:
    """Rows left out together, those of them that are scored, and what their score counts."""

    left_out: list[int]
    scored: list[int]
    weight: float


@dataclass(frozen=True)
class Linear:
    """The physics linearised at one fit of everything: what a trial of other widths needs."""

    kernels: dict[str, Array]  # (rows, rows) of 0 and 1, by trait
    slopes: Array
    target: Array
    noise: Array  # variances beside the priors' own
    doubt: Array


def main() -> None:
    """Fit and write the file, in one step."""
    fitted = _fitted([row for row in read_rows(KNOWN) if not row.tags & NOT_DECODING])
    lines = [f"noise: {fitted.noise:.3g}", f"widening: {fitted.widening}", "widths:"]
    for trait, widths in fitted.widths.items():
        named = ", ".join(f"{name}: {width:.3g}" for name, width in zip(CONSTANTS, widths, strict=True) if width)
        lines.append(f"  {trait}: {{{named}}}")
    file = profiles_folder() / "speed.yaml"
    temporary = file.with_suffix(".partial")
    temporary.write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    temporary.replace(file)


def _fitted(rows: list[Row]) -> Priors:
    given = [
        (row, measured, read is speed_cases.decode)
        for row in rows
        for read in (speed_cases.decode, speed_cases.prefill)
        if (measured := read(row))
    ]
    measurements = [measured for _, measured, _ in given]
    folds = list(_folds([row for row, _, _ in given], [decodes for _, _, decodes in given]))
    best = Priors(GUESSES, NOISE, WIDENING)
    for sweep in range(SWEEPS):
        linear = _linear(measurements, best)
        best = _swept(best, linear, folds)
        print(f"sweep {sweep + 1}: {_worth(best, linear, folds):.2f}", flush=True)
    return best


def _folds(rows: list[Row], decodes: list[bool]) -> Iterator[Fold]:
    for group in dict.fromkeys(row.group for row in rows):
        places = [place for place, row in enumerate(rows) if row.group == group]
        names = sorted({rows[place].id for place in places if decodes[place]})
        left_out = [(set(names), 1.0)] if names else []
        if len(names) >= PROBE_ROWS + 3:
            draws = [
                np.random.default_rng(100 + seed).choice(names, PROBE_ROWS, replace=False) for seed in range(DRAWS)
            ]
            left_out += [(set(names) - set(draw.tolist()), 1.0) for draw in draws]
        elif len(names) >= SINGLE:
            left_out += [({name}, 1 / len(names)) for name in names]
        for chosen, weight in left_out:
            block = [place for place in places if rows[place].id in chosen]
            yield Fold(block, [index for index, place in enumerate(block) if decodes[place]], weight)


def _linear(measurements: list[Measurement], priors: Priors) -> Linear:
    calibration = calibrate(measurements, priors)
    cases = calibration.cases
    alone = {trait: Priors({trait: (1.0,) * len(CONSTANTS)}, 0, 0) for trait in priors.widths}
    noise = np.array([one.noise**2 for one in measurements])
    return Linear(
        {trait: kernels(cases, cases, one)[0] for trait, one in alone.items()},
        calibration.slopes,
        calibration.target,
        noise,
        (TAIL + calibration.left**2 / (priors.noise**2 + noise)) / (TAIL + 1),
    )


def _swept(best: Priors, linear: Linear, folds: list[Fold]) -> Priors:
    """Move every width as long as that helps."""
    worth = _worth(best, linear, folds)
    steps = [(trait, constant) for trait in GUESSES for constant in range(len(CONSTANTS)) if GUESSES[trait][constant]]
    for trait, constant in [*steps, (None, 0)]:
        for factor in (STEP, 1 / STEP):
            for _ in range(2):
                trial = _moved(best, trait, constant, factor)
                found = _worth(trial, linear, folds)
                if found < worth + 1e-3:
                    break
                best, worth = trial, found
    return best


def _moved(priors: Priors, trait: str | None, constant: int, factor: float) -> Priors:
    if trait is None:
        return replace(priors, noise=priors.noise * factor**0.5)
    widths = list(priors.widths[trait])
    widths[constant] = min(max(widths[constant] * factor, LEAST), MOST)
    return replace(priors, widths={**priors.widths, trait: tuple(widths)})


def _worth(priors: Priors, linear: Linear, folds: list[Fold]) -> float:
    """Return the logarithmic likelihood of what was left out, less the pull of the guesses."""
    covariance = np.diag((priors.noise**2 + linear.noise) * linear.doubt)
    for constant in range(len(CONSTANTS)):
        slopes = linear.slopes[:, constant]
        shared = sum(of[constant] ** 2 * linear.kernels[trait] for trait, of in priors.widths.items() if of[constant])
        covariance += np.outer(slopes, slopes) * shared
    inverse = np.linalg.inv(covariance)
    pull = inverse @ linear.target
    total = 0.0
    for fold in folds:
        spread = np.linalg.inv(inverse[np.ix_(fold.left_out, fold.left_out)])
        off, variance = (spread @ pull[fold.left_out])[fold.scored], np.diag(spread)[fold.scored]
        likelihood = -(TAIL + 1) / 2 * np.log1p(off**2 / variance / TAIL) - np.log(variance) / 2
        total += fold.weight * float(likelihood.mean())
    moved = [
        np.log(width / guess) ** 2
        for trait in GUESSES
        for width, guess in zip(priors.widths[trait], GUESSES[trait], strict=True)
        if guess
    ]
    return total / len(folds) * 50 - PULL * float(np.sum(moved))


if __name__ == "__main__":
    main()
