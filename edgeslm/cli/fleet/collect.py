"""`edgeslm fleet collect`: keep what devices report in a database, and let them forget it."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from edgeslm.cli import output
from edgeslm.cli.broker import add_broker_options, transport

if TYPE_CHECKING:
    import argparse

SCHEMA = "edgeslm.fleet-collect/1"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_broker_options(parser)
    parser.add_argument("--db", metavar="FILE", type=Path, required=True, help="the SQLite file to write")
    parser.add_argument("--name", default="edgeslm-collector", help="client id; a second collector needs another")


def run(options: argparse.Namespace) -> int:
    """Collect until stopped."""
    from edgeslm.fleet.collector import Collector
    from edgeslm.fleet.history import History

    link = transport(options)
    history = History(options.db)
    try:
        stop = threading.Event()
        collector = Collector(
            link, history, name=options.name, notice=lambda text: _collecting(options, link.name, text)
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: _stop(stop, collector.wake))
        collector.run(stop)
        totals = history.totals()
    finally:
        history.close()
    if options.json:
        output.document(SCHEMA, {"state": "stopped", "totals": totals})
    else:
        held = f"{totals['samples']} samples and {totals['events']} events of {totals['devices']} devices"
        output.result(f"stopped; {options.db} holds {held}")
    return 0


def _collecting(options: argparse.Namespace, broker: str, text: str) -> None:
    if text != "ready":
        output.story(text)
    elif options.json:
        output.document(SCHEMA, {"state": "ready", "broker": broker, "db": str(options.db)})
    else:
        output.result(f"collecting from {broker} into {options.db}")


def _stop(stop: threading.Event, wake: object) -> None:
    stop.set()
    assert callable(wake)
    # the signal may have come while the loop held its queue's lock, so another thread knocks
    threading.Thread(target=wake, daemon=True).start()
