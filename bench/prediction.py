"""How far off are speeds that were predicted from published ones?

    python bench/prediction.py FILE [--fit-ids IDS] [--json]

reads a table in the format of published-speeds.yaml, fits on its rows marked `use: probe` and on those whose ids
stand in IDS (separated by commas, or a file that lists them), and scores all others that give a decoding speed. A
group is a board with a runtime. What else is known are the rows of bench/published-speeds.yaml, but never those of
the group that is scored: each group is left out in turn. Without FILE it scores that table itself, with none and with
five rows of each group known, and publishes the result.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __package__ in (None, ""):  # run as a file: this folder's modules must not hide others' of the same name
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import numpy as np

from bench import machine, speed_cases
from bench.harness import Target, publish
from bench.published import KNOWN, Row, read_rows
from edgeslm.profiler.calibration import calibrate
from edgeslm.profiler.speed_priors import priors
from edgeslm_agent.errors import EdgeSLMError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from bench.harness import Figures
    from edgeslm.profiler.calibration import Calibration, Measurement, Prediction

    Reader = Callable[[Row], Measurement | None]

SCHEMA = "edgeslm.prediction/1"
NOT_DECODING = {"fallback", "range", "aggregate", "e2e", "outlier"}  # tags: what such rows give is no decoding speed
PROBE_ROWS, LEAST_LEFT, DRAWS = 5, 3, 10  # of a simulated probe: rows known, rows scored at least, times drawn


@dataclass(frozen=True)
class Scored:
    """One row: the speed it gives and the one predicted, tokens a second, with the range."""

    id: str
    published: float
    predicted: float
    low: float
    high: float

    @property
    def error(self) -> float:
        """The absolute error as a share of what was published."""
        return abs(self.predicted / self.published - 1)

    @property
    def inside(self) -> bool:
        """Whether the range holds what was published."""
        return self.low <= self.published <= self.high


@dataclass(frozen=True)
class Score:
    """The scored rows of one board with one runtime, predicted with `fitted` rows of that group known."""

    device: str
    runtime: str
    fitted: int
    rows: tuple[Scored, ...]

    def document(self) -> dict[str, Any]:
        """Return the score as JSON-ready data; errors and coverage are shares (0.15 is 15 %)."""
        return {
            "device": self.device,
            "runtime": self.runtime,
            "fitted_rows": self.fitted,
            "scored_rows": len(self.rows),
            "median_absolute_percentage_error": statistics.median(row.error for row in self.rows),
            "coverage": statistics.mean(row.inside for row in self.rows),
            "rows": [asdict(row) for row in self.rows],
        }


def main() -> int:
    """Score a file, or publish how the method does on the published rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE")
    parser.add_argument("--fit-ids", default="", metavar="IDS", help="more rows to fit on: A,B,C or a file of ids")
    parser.add_argument("--json", action="store_true", help="print one document")
    options = parser.parse_args()
    try:
        if options.file is None:
            _publish()
            return 0
        document = scored_document(options.file, options.fit_ids)
    except EdgeSLMError as error:
        print(f"error: {error}\nhint: {error.hint}", file=sys.stderr)
        return error.exit_code
    print(json.dumps(document, indent=1) if options.json else _told(document))
    return 0


def scored_document(file: Path, fit_ids: str = "") -> dict[str, Any]:
    """Score a file.

    Raises ConfigError for a malformed file, UsageError for ids that it does not hold.
    """
    rows = read_rows(file)
    fit = {row.id for row in rows if row.is_probe} | _listed(fit_ids, rows)
    scores = score(rows, fit, speed_cases.decode)
    prefill = score(rows, fit, speed_cases.prefill)
    return {
        "schema": SCHEMA,
        "unit": "shares: 0.15 is 15 %",
        "file": str(file),
        **summary(scores),
        "with_fitted_rows": summary([one for one in scores if one.fitted]),
        "without_fitted_rows": summary([one for one in scores if not one.fitted]),
        "groups": [one.document() for one in scores],
        "prefill": {**summary(prefill), "groups": [one.document() for one in prefill]},
        "not_scored": [{"id": row.id, "reason": why} for row in rows if (why := _reason(row, fit))],
    }


def score(rows: Sequence[Row], fit: Collection[str], read: Reader) -> list[Score]:
    """Predict what `read` makes of every row that is not fitted on, group by group, its own other rows unknown."""
    known = _known()
    fitted = [row for row in rows if row.id in fit and not _is_unfit(row)]
    scores = []
    for group in dict.fromkeys(row.group for row in rows):
        members = [row for row in rows if row.group == group]
        judged = [(row, wanted) for row in members if row.id not in fit and (wanted := _fit_to_score(row, read))]
        if not judged:
            continue
        hidden = {row.id for row in (*members, *fitted)}
        others = tuple(row for row in known if row.group != group and row.id not in hidden and not _is_unfit(row))
        predictions = _calibrated((*others, *fitted)).predict_all([wanted.case for _, wanted in judged])
        found = tuple(_scored(row, wanted, one) for (row, wanted), one in zip(judged, predictions, strict=True))
        scores.append(Score(*group, sum(row.group == group for row in fitted), found))
    return scores


@cache
def _known() -> tuple[Row, ...]:
    return read_rows(KNOWN)


@lru_cache(maxsize=4)
def _calibrated(rows: tuple[Row, ...]) -> Calibration:
    """Fit on all that rows give; groups that the known rows lack share one fit."""
    given = [measured for row in rows for read in (speed_cases.decode, speed_cases.prefill) if (measured := read(row))]
    return calibrate(given, priors())


def summary(scores: Sequence[Score]) -> dict[str, Any]:
    """Return the median over groups of each group's median error, and the share of all rows inside their range.

    Rows of one board and runtime are not independent, so a group counts once; None when there is no group.
    """
    medians = [statistics.median(row.error for row in one.rows) for one in scores]
    inside = [row.inside for one in scores for row in one.rows]
    return {
        "median_absolute_percentage_error": statistics.median(medians) if medians else None,
        "coverage": statistics.mean(inside) if inside else None,
        "scored_groups": len(scores),
        "scored_rows": len(inside),
    }


def _scored(row: Row, wanted: Measurement, found: Prediction) -> Scored:
    tokens = wanted.tokens
    return Scored(row.id, *(tokens / seconds for seconds in (wanted.seconds, found.seconds, found.high, found.low)))


def _fit_to_score(row: Row, read: Reader) -> Measurement | None:
    return None if _is_unfit(row) else read(row)


def _is_unfit(row: Row) -> bool:
    return bool(row.tags & NOT_DECODING)


def _reason(row: Row, fit: Collection[str]) -> str | None:
    """Return why a row is not scored, or None when it is."""
    if row.id in fit:
        return "fitted on"
    if row.number("decode_tok_s") is None:
        return "gives no decode_tok_s"
    if _is_unfit(row):
        return f"tagged {', '.join(sorted(row.tags & NOT_DECODING))}: no decoding speed"
    return None if speed_cases.decode(row) else "gives no size of the model (params_b, or as in 1.5B in its name)"


def _listed(ids: str, rows: Sequence[Row]) -> set[str]:
    """Return the ids of an option: those of a file when one is named, else those between commas."""
    text = Path(ids).read_text("utf-8") if ids and Path(ids).is_file() else ids
    named = set(re.split(r"[,\s]+", text.strip())) - {""}
    if unknown := sorted(named - {row.id for row in rows}):
        raise UsageError(f"no row has the id {', '.join(unknown[:5])}", "--fit-ids takes ids of FILE's own rows")
    return named


def _told(document: dict[str, Any]) -> str:
    lines = [
        f"{one['device']}, {one['runtime']}: {one['scored_rows']} rows with {one['fitted_rows']} known, median error "
        f"{one['median_absolute_percentage_error']:.1%}, {one['coverage']:.0%} inside the range"
        for one in document["groups"]
    ]
    if not document["groups"]:
        return "no row to score: each is fitted on, or gives no decoding speed"
    overall = document["median_absolute_percentage_error"], document["coverage"]
    return "\n".join([*lines, f"all groups: median error {overall[0]:.1%}, {overall[1]:.0%} of rows inside the range"])


def _publish() -> None:
    """Score the known rows themselves: each group with none of its rows known, with five drawn, and the probe rows."""
    rows = _known()
    sides = {
        "no row of the group known": score(rows, (), speed_cases.decode),
        f"{PROBE_ROWS} rows of it known, {DRAWS} draws": _drawn(rows),
        f"{PROBE_ROWS - 1} of {PROBE_ROWS} probe rows known": _probes_left_out(rows),
    }
    samples = {name: [_figures(scores)] for name, scores in sides.items()}
    targets = [target for name, (figures,) in list(samples.items())[1:] for target in _targets(name, figures)]
    versions = {"edgeslm": machine.versions_in(Path(sys.executable), "edgeslm", "numpy")}
    groups = {name: [_without_rows(one) for one in scores] for name, scores in sides.items()}
    publish("prediction", samples, targets, versions, {"groups": groups})


def _drawn(rows: Sequence[Row]) -> list[Score]:
    """Score groups large enough, each with a few of its rows known, drawn several times."""
    scores = []
    for group in dict.fromkeys(row.group for row in rows):
        members = [row for row in rows if row.group == group and _reason(row, ()) is None]
        if len(members) < PROBE_ROWS + LEAST_LEFT:
            continue
        for seed in range(DRAWS):
            drawn = np.random.default_rng(seed).choice([row.id for row in members], PROBE_ROWS, replace=False)
            scores += score(members, {str(name) for name in drawn}, speed_cases.decode)
    return scores


def _probes_left_out(rows: Sequence[Row]) -> list[Score]:
    """Score every probe row with the others of its board known, as one group a board."""
    scores = []
    for group in dict.fromkeys(row.group for row in rows if row.is_probe):
        members = [row for row in rows if row.group == group]
        found = [score(members, {row.id for row in members} - {left.id}, speed_cases.decode) for left in members]
        judged = tuple(row for (one,) in found for row in one.rows)
        scores.append(Score(*group, len(members) - 1, judged))
    return scores


def _figures(scores: Sequence[Score]) -> Figures:
    overall = summary(scores)
    medians = [statistics.median(row.error for row in one.rows) for one in scores]
    return {
        "groups": len({(one.device, one.runtime) for one in scores}),
        "median_error": 100 * overall["median_absolute_percentage_error"],
        "worst_quarter": 100 * float(np.quantile(medians, 0.75)),
        "in_range": 100 * statistics.mean(statistics.mean(row.inside for row in one.rows) for one in scores),
    }


def _targets(name: str, figures: Figures) -> list[Target]:
    return [
        Target(f"{name}: median error", figures["median_error"], 15, at_least=False, unit=" %"),
        Target(f"{name}: in the 90 % range", figures["in_range"], 85, at_least=True, unit=" %"),
        Target(f"{name}: in the 90 % range", figures["in_range"], 95, at_least=False, unit=" %"),
    ]


def _without_rows(one: Score) -> dict[str, Any]:
    return {key: value for key, value in one.document().items() if key != "rows"}


if __name__ == "__main__":
    sys.exit(main())
