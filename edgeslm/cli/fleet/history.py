"""What the verbs that write a collector's database share: --db and how long it keeps what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm.cli.broker import duration

if TYPE_CHECKING:
    import argparse

    from edgeslm.fleet.history import Retention

_KEPT = (
    ("samples", "samples as they came, then one row a minute", "7d"),
    ("minutes", "minutes, then one row an hour", "30d"),
    ("hours", "hours, then nothing", "730d"),
    ("events", "events", "730d"),
)


def add_history_options(parser: argparse.ArgumentParser) -> None:
    """Add --db and --keep-samples, -minutes, -hours, -events."""
    parser.add_argument(
        "--db", metavar="FILE|URL", required=True,
        help="the SQLite file, or postgresql://user@host/name (a password is better kept in ~/.pgpass)",
    )  # fmt: skip
    for kind, what, default in _KEPT:
        parser.add_argument(
            f"--keep-{kind}", type=duration, default=duration(default), metavar="TIME",
            help=f"how long to keep {what} ({default})",
        )  # fmt: skip


def retention(options: argparse.Namespace) -> Retention:
    """Return how long to keep what. Raises UsageError when the times do not go together."""
    from edgeslm.fleet.history import Retention

    return Retention(options.keep_samples, options.keep_minutes, options.keep_hours, options.keep_events)
