"""What probes saw, as one file: rows of seconds, with the machine, the versions of the runtimes and the time.

One probe sees a minute and a half, and a machine that is shared or warm runs a fifth faster or slower in the next. So
another probe of the same machine and versions is joined with those before it: of each pass the median counts.
"""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from edgeslm_agent.errors import ConfigError
from edgeslm_agent.host.durable import write_durable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SCHEMA = "edgeslm.probe/1"
FEWEST_ROWS = 6
LIMIT_BYTES = 4 << 20
FASTEST_S, SLOWEST_S = 1e-6, 600.0  # of one pass: no processor begins a layer in less, nobody waits for more
MOST_PROBES = 5  # that are joined: what a machine did before them counts no more
MOST_OPERATIONS_S = 1e15  # multiply-adds a second that no edge device reaches: a clock that stands still


@dataclass(frozen=True)
class Row:
    """One pass of `rows` tokens on top of `past` others: the median of its `seconds`, and how far half of them lie.

    `seen` has the seconds of each probe, the oldest first, where several are joined.
    """

    graph: str
    layers: int
    format: str
    recipe: str
    threads: int
    rows: int
    past: int
    seconds: float
    spread: float = 0.0
    seen: tuple[float, ...] = ()

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Row:
        """Return a row from its fields as JSON gives them; raises TypeError for others."""
        return cls(**{**fields, "seen": tuple(fields.get("seen", ()))})

    @property
    def work(self) -> Row:
        """What was timed, without its times."""
        return replace(self, seconds=0, spread=0, seen=())

    def after(self, earlier: Row) -> Row:
        """Return this row joined with that of earlier probes."""
        seen = (*(earlier.seen or (earlier.seconds,)), self.seconds)[-MOST_PROBES:]
        return replace(self, seconds=statistics.median(seen), spread=(self.spread + earlier.spread) / 2, seen=seen)


@dataclass(frozen=True)
class Record:
    """A finished probe. `on` names the machine, `versions` the runtimes; `cache_bytes` is its last cache, 0 if unknown.

    `missing` says what could not be timed and why. Where `probes` are joined, `taken`, `seconds` and `missing` are the
    last one's.
    """

    device: str
    on: str
    versions: tuple[tuple[str, str], ...]
    taken: str
    cache_bytes: int
    seconds: float
    rows: tuple[Row, ...]
    missing: tuple[str, ...] = ()
    probes: int = 1

    def joined(self, earlier: Record | None) -> Record:
        """Return this probe with those before it; of another machine or other versions nothing counts any more."""
        if earlier is None or self.taken_with != earlier.taken_with:
            return self
        known = {row.work: row for row in earlier.rows}
        rows = {row.work: row.after(known[row.work]) if row.work in known else row for row in self.rows}
        return replace(self, rows=tuple({**known, **rows}.values()), probes=min(earlier.probes + 1, MOST_PROBES))

    @property
    def taken_with(self) -> tuple[object, ...]:
        """What must be the same in probes that are joined."""
        return self.device, self.on, self.versions, self.cache_bytes

    def document(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {"schema": SCHEMA, **asdict(self), "versions": dict(self.versions)}


def write_record(record: Record, path: Path) -> None:
    """Write a record: whole, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durable(path, (json.dumps(record.document(), indent=1) + "\n").encode(), mode=0o644)


def read_record(path: Path) -> Record | None:
    """Return the record of a file, None when there is none.

    Raises ConfigError with every problem of it: cut off, of another schema, or with figures that cannot be.
    """
    if not path.is_file():
        return None
    try:
        with path.open("rb") as stream:
            record = _record(json.loads(stream.read(LIMIT_BYTES)))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigError(f"{path} is no probe of this version: {error}", _AGAIN) from error
    if problems := list(absurd(record)):
        raise ConfigError(f"{path} has figures that cannot be", _AGAIN, [f"{path}: {what}" for what in problems[:10]])
    return record


_AGAIN = "remove it, and take it again on the device: edgeslm measure --probe"


def _record(document: Mapping[str, Any]) -> Record:
    if document.get("schema") != SCHEMA:
        raise ValueError(f"its schema is {document.get('schema')!r}, not {SCHEMA!r}")
    values = {key: document[key] for key in ("device", "on", "taken", "cache_bytes", "seconds")}
    return Record(
        **values,
        versions=tuple(sorted((str(key), str(value)) for key, value in document["versions"].items())),
        rows=tuple(map(Row.of, document["rows"])),
        missing=tuple(document.get("missing", ())),
        probes=int(document.get("probes", 1)),
    )


def absurd(record: Record) -> Iterator[str]:
    """Yield what of a record cannot be true: a clock that stands still or jumps, more work in less time."""
    from edgeslm.profiler.probe.graphs import GRAPHS

    if len(record.rows) < FEWEST_ROWS:
        yield f"{len(record.rows)} rows; a probe has {FEWEST_ROWS} at least"
    for row in record.rows:
        name = f"{row.graph} {row.format} {row.recipe}, {row.rows} tokens after {row.past}, {row.threads} threads"
        if row.graph not in GRAPHS or row.rows < 1 or row.threads < 1 or row.layers < 1:
            yield f"{name}: no pass that a probe makes"
        elif strange := [one for one in (row.seconds, *row.seen) if not FASTEST_S < one < SLOWEST_S]:
            yield f"{name}: {strange[0]!r} s"
        elif row.rows * row.layers * GRAPHS[row.graph].layer_weights / row.seconds > MOST_OPERATIONS_S:
            yield f"{name}: {row.seconds!r} s would be more than any such device computes"
    yield from _upside_down(record.rows)


def _upside_down(rows: tuple[Row, ...]) -> Iterator[str]:
    """Yield passes of many tokens that took less than half of what few took, all else equal."""
    seen: dict[tuple[object, ...], Row] = {}
    for row in sorted(rows, key=lambda row: row.rows):
        key = (row.graph, row.layers, row.format, row.recipe, row.threads, row.past)
        fewer = seen.setdefault(key, row)
        if row.rows >= 8 * fewer.rows and row.seconds < fewer.seconds / 2:
            yield f"{row.graph} {row.recipe}: {row.rows} tokens in less than half the time of {fewer.rows}"
