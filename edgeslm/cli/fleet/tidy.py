"""`edgeslm fleet tidy`: fold and delete what a collector's database keeps no longer. A collector does so every hour."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edgeslm.cli import output
from edgeslm.cli.fleet.history import add_history_options, retention

if TYPE_CHECKING:
    import argparse

SCHEMA = "edgeslm.fleet-tidy/1"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_history_options(parser)


def run(options: argparse.Namespace) -> int:
    """Tidy once."""
    from edgeslm.cli.looking import opened
    from edgeslm.fleet.history import Tidied

    kept = retention(options)
    history = opened(options.db)
    done = Tidied()
    try:
        for step in history.tidy(kept, time.time()):
            done = done.plus(step)
    finally:
        history.close()
    if options.json:
        output.document(SCHEMA, done)
    else:
        folded = f"{done.samples} samples became minutes, {done.minutes} minutes became hours"
        output.result(f"{folded}; {done.events} events and {done.notes} older rows were deleted")
    return 0
