"""`edgeslm fleet status`: show what every device is and does."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from edgeslm.cli import output
from edgeslm.cli.broker import transport
from edgeslm.cli.looking import (
    add_looking_options,
    conclude,
    document_of,
    look_at,
    named,
    tell_flags,
    webhook,
    with_unknown,
)

if TYPE_CHECKING:
    import argparse

    from edgeslm.fleet.alerts import Alert, Change
    from edgeslm.fleet.view import DeviceView

SCHEMA = "edgeslm.fleet-status/1"
ALERT_SCHEMA = "edgeslm.alert/1"
_GLANCE_S = 5.0  # between two looks of --follow
_COLUMNS = ("device", "state", "model", "board", "agent", "tokens/s", "temperature", "last sample", "look at")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_looking_options(parser)
    parser.add_argument(
        "--follow", action="store_true", help="with --alerts: one line when an alert is raised or cleared, until Ctrl-C"
    )


def run(options: argparse.Namespace) -> int:
    """Show one row a device, or with --follow every change of the alerts."""
    if options.follow:
        return _follow(options)
    seen = look_at(options)
    if options.json:
        output.document(SCHEMA, {"scope": _scope(options), "devices": [document_of(row) for row in seen.rows]})
    elif not seen.rows:
        output.story("no such device is known here; is an agent connected to this broker?")
    else:
        output.table(_COLUMNS, [_cells(row) for row in seen.rows])
        tell_flags(seen.rows)
    return conclude(options, seen.rows)


def _follow(options: argparse.Namespace) -> int:
    """Return 1 when an alert was raised while --wait lasted."""
    from edgeslm.fleet.alerts import alerts, changes
    from edgeslm.fleet.view import fleet_view
    from edgeslm.fleet.watch import glances
    from edgeslm_agent.errors import LinkError, UsageError

    if options.db or not options.alerts:
        raise UsageError("--follow tells alerts as they come from the broker", "add --alerts, leave out --db")
    devices, where = named(options)
    hook = webhook(options)
    known: tuple[Alert, ...] = ()
    raised = False
    for heard, listened_s in glances(transport(options), devices, _GLANCE_S, options.wait):
        rows = fleet_view(with_unknown(devices, heard.sightings(time.monotonic())), listened_s)
        now = alerts(row for row in rows if where.holds(row))
        news = changes(known, now)
        try:
            if hook and news:
                hook.post(news)
        except LinkError as error:
            output.story(f"{error.message}; trying again with the next look")
            continue  # they stay news until somebody took them
        known, raised = now, raised or any(change.state == "raised" for change in news)
        for change in news:
            _tell(change, as_json=options.json)
    return 1 if raised else 0


def _tell(change: Change, *, as_json: bool) -> None:
    if as_json:
        body = {"t": round(time.time(), 3), "state": change.state, **asdict(change.alert)}
        output.document(ALERT_SCHEMA, body)
    else:
        output.result(f"{change.state} {change.alert.device}: {change.alert.name}: {change.alert.reason}")


def _scope(options: argparse.Namespace) -> str:
    return ", ".join(options.devices) or "all fleets"


def _cells(row: DeviceView) -> list[str]:
    from edgeslm_agent.units import format_seconds

    speed, heat = row.figures.get("decode_tps"), row.figures.get("temperature_c")
    return [
        row.device,
        row.state,
        row.variant or (f"model {row.model_state}" if row.model_state else "-"),
        row.board or "-",
        row.agent or "-",
        "-" if speed is None else f"{speed:.1f}",
        "-" if heat is None else f"{heat:.0f} C",
        "-" if row.sample_age_s is None else f"{format_seconds(max(row.sample_age_s, 1.0))} ago",
        ", ".join(flag.name for flag in row.flags) or "-",
    ]
