"""`edgeslm telemetry`: what devices report, live from the broker. Reads only; a collector's acks are its own."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from edgeslm.cli import output
from edgeslm.cli.broker import add_broker_options, duration, transport

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from edgeslm.fleet.view import DeviceView
    from edgeslm.fleet.watch import Reading
    from edgeslm_agent.contract.topics import Scope

SCHEMA = "edgeslm.telemetry/1"
_COLUMNS = (
    "device",
    "tokens/s",
    "first token",
    "RSS",
    "CPU",
    "temperature",
    "queue",
    "requests",
    "failed",
    "unsent",
    "dropped",
    "age",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `edgeslm telemetry`."""
    parser.add_argument("scope", nargs="?", metavar="FLEET[/ID]", help="one fleet or one device (all)")
    parser.add_argument("--follow", action="store_true", help="print every sample as it comes, until Ctrl-C")
    parser.add_argument(
        "--wait",
        type=duration,
        metavar="TIME",
        help="how long to listen, such as 12s or 5m (12s; with --follow, for ever)",
    )
    add_broker_options(parser)


def run(options: argparse.Namespace) -> int:
    """Print a table or a document of the latest samples, or with --follow one line a sample."""
    from edgeslm_agent.contract.topics import parse_scope

    scope = parse_scope(options.scope)
    return _follow(options, scope) if options.follow else _latest(options, scope)


def _latest(options: argparse.Namespace, scope: Scope) -> int:
    import time

    from edgeslm.fleet.view import fleet_view
    from edgeslm.fleet.watch import look

    wait_s = options.wait or 12.0
    output.story(f"listening to {scope} for up to {wait_s:g} s ...")
    sightings, listened_s = look(transport(options), scope, wait_s)
    rows = fleet_view(sightings.sightings(time.monotonic()), listened_s)
    reported = [row for row in rows if row.figures]
    if options.json:
        output.document(
            SCHEMA,
            {"scope": str(scope), "malformed": sightings.malformed, "devices": [_device(row) for row in reported]},
        )
        return 0
    if reported:
        output.table(_COLUMNS, [_cells(row.device, row.figures, row.sample_age_s) for row in reported])
    for row in rows:
        if not row.figures:
            output.story(f"{row.device} is {row.state} and reported nothing in {listened_s:.0f} s")
    if not rows:
        output.story("no device was heard; is an agent connected to this broker?")
    return 0


def _follow(options: argparse.Namespace, scope: Scope) -> int:
    from edgeslm.fleet.watch import follow

    for reading in follow(transport(options), scope, options.wait):
        if options.json:
            output.document(SCHEMA, _reading(reading))
        else:
            output.result(_line(reading))
    return 0


def _device(row: DeviceView) -> dict[str, object]:
    return {"device": row.device, "boot": row.boot, "age_s": row.sample_age_s, "figures": dict(row.figures)}


def _reading(reading: Reading) -> dict[str, object]:
    sample = asdict(reading.sample)
    return {"device": str(reading.device), "boot": reading.boot, **sample}


def _line(reading: Reading) -> str:
    named = zip(_COLUMNS[1:-1], _cells("", reading.sample.figures, None)[1:-1], strict=True)
    shown = ", ".join(f"{name} {value}" for name, value in named if value != "-")
    return f"{reading.device} #{reading.sample.seq}: {shown}"


def _cells(device: str, figures: Mapping[str, float], age_s: float | None) -> list[str]:
    from edgeslm_agent.units import format_bytes, format_seconds

    def shown(name: str, form: str = "{:.0f}") -> str:
        return form.format(figures[name]) if name in figures else "-"

    return [
        device,
        shown("decode_tps", "{:.1f}"),
        format_seconds(figures["first_token_s"]) if "first_token_s" in figures else "-",
        format_bytes(figures["rss_bytes"]) if "rss_bytes" in figures else "-",
        shown("cpu_percent", "{:.0f} %"),
        shown("temperature_c", "{:.0f} C"),
        shown("queue_depth"),
        shown("requests"),
        shown("failures"),
        shown("spool_records"),
        shown("drops"),
        "-" if age_s is None else f"{age_s:.0f} s",
    ]
