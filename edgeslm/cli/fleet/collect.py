"""`edgeslm fleet collect`: keep what devices report in a database, and let them forget it."""

from __future__ import annotations

import os
import secrets
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from edgeslm.cli import output
from edgeslm.cli.broker import add_broker_options, transport
from edgeslm.cli.fleet.history import add_history_options, retention

if TYPE_CHECKING:
    import argparse

    from edgeslm.fleet.history import History

SCHEMA = "edgeslm.fleet-collect/1"
_NAME = "edgeslm-collector"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_broker_options(parser)
    add_history_options(parser)
    parser.add_argument("--name", help=f"client id, of which each collector needs its own ({_NAME})")
    parser.add_argument(
        "--shared", action="store_true",
        help="share the work with the fleet's other collectors, by the secret in the file `group` of --credentials",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Collect until stopped."""
    from edgeslm.fleet.collector import Collector
    from edgeslm.fleet.history import History, parse_address
    from edgeslm.fleet.upkeep import upkeep

    link, group, kept = transport(options), _group(options), retention(options)
    address = parse_address(options.db)
    history = History(address)
    name = options.name or (f"{_NAME}-{secrets.token_hex(4)}" if group else _NAME)
    try:
        stop = threading.Event()
        collector = Collector(
            link, history, name=name, group=group,
            notice=lambda text: _tell(options, link.name, history.name, text),
        )  # fmt: skip
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: _stop(stop, collector.wake))
        with upkeep(address, kept, output.story):
            collector.run(stop)
        _conclude(options, history)
    finally:
        history.close()
    return 0


def _group(options: argparse.Namespace) -> str | None:
    from edgeslm.fleet.group import read_group

    if not options.shared:
        return None
    folder = options.credentials or os.environ.get("EDGESLM_CREDENTIALS")
    return read_group(Path(folder) if folder else None)


def _tell(options: argparse.Namespace, broker: str, database: str, text: str) -> None:
    if text != "ready":
        output.story(text)
    elif options.json:
        output.document(SCHEMA, {"state": "ready", "broker": broker, "db": database})
    else:
        output.result(f"collecting from {broker} into {database}")


def _conclude(options: argparse.Namespace, history: History) -> None:
    totals = history.totals()
    if options.json:
        output.document(SCHEMA, {"state": "stopped", "totals": totals})
    else:
        held = f"{totals['samples']} samples and {totals['events']} events of {totals['devices']} devices"
        output.result(f"stopped; {history.name} took {held}")


def _stop(stop: threading.Event, wake: object) -> None:
    stop.set()
    assert callable(wake)
    # the signal may have come while the loop held its queue's lock, so another thread knocks
    threading.Thread(target=wake, daemon=True).start()
