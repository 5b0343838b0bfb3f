"""`edgeslm fleet status`: show what every device is and does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm.cli import output
from edgeslm.cli.looking import add_looking_options, conclude, document_of, look_at, tell_flags

if TYPE_CHECKING:
    import argparse

    from edgeslm.fleet.view import DeviceView

SCHEMA = "edgeslm.fleet-status/1"
_COLUMNS = ("device", "state", "model", "board", "agent", "tokens/s", "temperature", "last sample", "look at")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_looking_options(parser)


def run(options: argparse.Namespace) -> int:
    """Show one row a device."""
    seen = look_at(options)
    if options.json:
        output.document(SCHEMA, {"scope": _scope(options), "devices": [document_of(row) for row in seen.rows]})
    elif not seen.rows:
        output.story("no such device is known here; is an agent connected to this broker?")
    else:
        output.table(_COLUMNS, [_cells(row) for row in seen.rows])
        tell_flags(seen.rows)
    return conclude(options, seen.rows)


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
