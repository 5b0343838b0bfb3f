"""`edgeslm fleet status`: show what every device is and does."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from edgeslm.cli import output
from edgeslm.cli.broker import add_broker_options, duration, transport

if TYPE_CHECKING:
    import argparse

    from edgeslm.fleet.view import DeviceView
    from edgeslm_agent.contract.topics import Scope

SCHEMA = "edgeslm.fleet-status/1"
_COLUMNS = ("device", "state", "model", "board", "agent", "tokens/s", "temperature", "age", "look at")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_broker_options(parser)
    parser.add_argument("scope", nargs="?", metavar="FLEET[/ID]", help="one fleet or one device (all)")
    parser.add_argument("--wait", type=duration, default=12.0, metavar="TIME", help="how long to listen (12s)")
    parser.add_argument("--db", metavar="FILE", type=Path, help="read a collector's database instead of the broker")


def run(options: argparse.Namespace) -> int:
    """Show one row a device."""
    from edgeslm_agent.contract.topics import parse_scope

    scope = parse_scope(options.scope)
    rows = _rows_of_history(options.db, scope) if options.db else _rows_of_broker(options, scope)
    if options.json:
        output.document(SCHEMA, {"scope": str(scope), "devices": [_document(row) for row in rows]})
        return 0
    if not rows:
        output.story("no device is known here; is an agent connected to this broker?")
        return 0
    output.table(_COLUMNS, [_cells(row) for row in rows])
    for row in rows:
        for flag in row.flags:
            output.story(f"{row.device}: {flag.name}: {flag.reason}")
    return 0


def _rows_of_broker(options: argparse.Namespace, scope: Scope) -> tuple[DeviceView, ...]:
    from edgeslm.fleet.view import fleet_view
    from edgeslm.fleet.watch import look

    sightings, listened_s = look(transport(options), scope, options.wait)
    return fleet_view(sightings.sightings(time.monotonic()), listened_s)


def _rows_of_history(path: Path, scope: Scope) -> tuple[DeviceView, ...]:
    from edgeslm.fleet.history import History
    from edgeslm.fleet.view import fleet_view
    from edgeslm_agent.errors import UsageError

    if not path.is_file():
        raise UsageError(f"there is no database at {path}", "make one with `edgeslm fleet collect --db FILE`")
    history = History(path)
    try:
        return fleet_view(history.sightings(scope, time.time()))
    finally:
        history.close()


def _document(row: DeviceView) -> dict[str, object]:
    body = asdict(row)
    return {**body, "flags": [flag.name for flag in row.flags], "reasons": [flag.reason for flag in row.flags]}


def _cells(row: DeviceView) -> list[str]:
    speed, heat = row.figures.get("decode_tps"), row.figures.get("temperature_c")
    return [
        row.device,
        row.state,
        row.variant or (f"model {row.model_state}" if row.model_state else "-"),
        row.board or "-",
        row.agent or "-",
        "-" if speed is None else f"{speed:.1f}",
        "-" if heat is None else f"{heat:.0f} C",
        "-" if row.sample_age_s is None else f"{row.sample_age_s:.0f} s",
        ", ".join(flag.name for flag in row.flags) or "-",
    ]
