"""Who made which record: numbers by (device, boot), as ranges; and what of them the database holds."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeslm_agent.contract.ranges import count, merged, ranges_of, subtract

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from edgeslm_agent.contract.ranges import Range

Key = tuple[str, str]  # device, boot
Numbers = dict[Key, tuple["Range", ...]]
_WITNESSES = 5  # of lost numbers, shown as examples


@dataclass(frozen=True)
class Certificate:
    """What became of every record that was on a device's disk.

    `made` = `stored` + `dropped` + `lost`. `dropped` were given up by policy and named by their device; `duplicates`
    are rows beyond one for a number. `examples` are lost numbers as (device, boot, first, last).
    """

    made: int
    stored: int
    dropped: int
    lost: int
    duplicates: int
    examples: tuple[tuple[str, str, int, int], ...] = ()

    @property
    def clean(self) -> bool:
        """Whether nothing was lost and nothing is there twice."""
        return not self.lost and not self.duplicates


class Ledger:
    """Collects numbers. The device's side writes here what it has just put on disk."""

    def __init__(self) -> None:
        self._numbers: dict[Key, list[Range]] = defaultdict(list)

    def add(self, device: str, boot: str, ranges: Iterable[Range]) -> None:
        """Note numbers of a boot."""
        noted = self._numbers[device, boot]
        noted += ranges
        if len(noted) > 256:
            noted[:] = merged(noted)

    def numbers(self) -> Numbers:
        """Return everything that was noted."""
        return {key: merged(ranges) for key, ranges in self._numbers.items()}


def certify(made: Numbers, database: Path) -> Certificate:
    """Compare what was made with the rows of a collector's SQLite file, read without the collector's code."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as opened:
        rows = opened.execute(
            "SELECT device, boot, seq FROM samples UNION ALL SELECT device, boot, seq FROM events"
        ).fetchall()
        gaps = opened.execute("SELECT device, boot, first, last FROM gaps").fetchall()
    return compare(made, rows, gaps)


def compare(
    made: Numbers, rows: Sequence[tuple[str, str, int]], gaps: Sequence[tuple[str, str, int, int]]
) -> Certificate:
    """Return the certificate for these rows and these gaps."""
    stored: dict[Key, list[int]] = defaultdict(list)
    for device, boot, seq in rows:
        stored[device, boot].append(seq)
    named: dict[Key, list[Range]] = defaultdict(list)
    for device, boot, first, last in gaps:
        named[device, boot].append((first, last))
    kept = {key: ranges_of(numbers) for key, numbers in stored.items()}
    unstored = {key: subtract(ranges, kept.get(key, ())) for key, ranges in made.items()}
    lost = {key: subtract(ranges, named[key]) for key, ranges in unstored.items()}
    return Certificate(
        made=_count(made),
        stored=_count(made) - _count(unstored),
        dropped=_count(unstored) - _count(lost),
        lost=_count(lost),
        duplicates=len(rows) - sum(count(ranges) for ranges in kept.values()),
        examples=tuple((*key, *one) for key, ranges in lost.items() for one in ranges)[:_WITNESSES],
    )


def _count(numbers: Mapping[Key, Iterable[Range]]) -> int:
    return sum(count(ranges) for ranges in numbers.values())
