"""`edgeslm telemetry`: what devices report, live from the broker or from a collector's history. Reads only."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from edgeslm.cli import output
from edgeslm.cli.broker import duration, transport
from edgeslm.cli.looking import add_looking_options, conclude, document_of, look_at, named, opened, tell_flags

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping

    from edgeslm.fleet.history.rollup import Spread
    from edgeslm.fleet.trend import Trend
    from edgeslm.fleet.view import DeviceView
    from edgeslm.fleet.watch import Reading

SCHEMA = "edgeslm.telemetry/1"
TREND_SCHEMA = "edgeslm.telemetry-trend/1"
_TRENDS = ("decode_tps", "first_token_s", "temperature_c", "power_w", "rss_bytes", "cpu_percent", "queue_depth")
# column, figure, how it is written
_COLUMNS = (
    ("tokens/s", "decode_tps", "{:.1f}"),
    ("first token", "first_token_s", "seconds"),
    ("of claim", "decode_drift", "{:.2f}"),
    ("RSS", "rss_bytes", "bytes"),
    ("CPU", "cpu_percent", "{:.0f} %"),
    ("temperature", "temperature_c", "{:.0f} C"),
    ("power", "power_w", "{:.1f} W"),
    ("J/token", "energy_per_token_j", "{:.2g}"),
    ("queue", "queue_depth", "{:.0f}"),
    ("requests", "requests", "{:.0f}"),
    ("failed", "failures", "{:.0f}"),
    ("unsent", "spool_records", "{:.0f}"),
    ("dropped", "drops", "{:.0f}"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `edgeslm telemetry`."""
    add_looking_options(parser)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--follow", action="store_true", help="print every sample as it comes, until Ctrl-C or --wait")
    how.add_argument("--since", type=duration, metavar="TIME", help="with --db: how figures moved since then, as 2h")
    parser.add_argument(
        "--figure", action="append", metavar="NAME", help="with --since: which figure, as in PROTOCOL.md; may repeat"
    )


def run(options: argparse.Namespace) -> int:
    """Print the latest samples, with --follow one line a sample, with --since how figures moved."""
    if options.since is not None:
        return _trend(options)
    return _follow(options) if options.follow else _latest(options)


# --- the latest ---


def _latest(options: argparse.Namespace) -> int:
    seen = look_at(options)
    reported = [row for row in seen.rows if row.figures]
    if options.json:
        scope = ", ".join(options.devices) or "all fleets"
        body = {"scope": scope, "malformed": seen.malformed, "devices": [_document(row) for row in reported]}
        output.document(SCHEMA, body)
        return conclude(options, seen.rows)
    if reported:
        output.table(["device", *_names(), "age"], [_cells(row) for row in reported])
    for row in seen.rows:
        if not row.figures:
            output.story(f"{row.device} is {row.state} and reported nothing")
    if not seen.rows:
        output.story("no such device was heard; is an agent connected to this broker?")
    if options.alerts:
        tell_flags(seen.rows)
    return conclude(options, seen.rows)


def _document(row: DeviceView) -> dict[str, object]:
    body = document_of(row)
    names = ("device", "boot", "figures", "sensors", "flags", "reasons")
    return {**{name: body[name] for name in names}, "age_s": row.sample_age_s}


# --- one line a sample ---


def _follow(options: argparse.Namespace) -> int:
    from edgeslm.fleet.watch import follow
    from edgeslm_agent.errors import UsageError

    if options.db or options.alerts:
        raise UsageError("--follow reads the broker, sample by sample", "leave out --db and --alerts")
    devices, where = named(options)
    for reading in follow(transport(options), devices, options.wait):
        if not where.holds(_row(reading)):
            continue
        if options.json:
            output.document(SCHEMA, {"device": str(reading.device), "boot": reading.boot, **asdict(reading.sample)})
        else:
            output.result(_line(reading))
    return 0


def _row(reading: Reading) -> DeviceView:
    from edgeslm.fleet.sightings import Sighting
    from edgeslm.fleet.view import device_view

    return device_view(Sighting(reading.device, reading.status, reading.capability, reading.boot, reading.sample, 0.0))


def _line(reading: Reading) -> str:
    named_cells = zip(_names(), _shown(reading.sample.figures), strict=True)
    shown = ", ".join(f"{name} {value}" for name, value in named_cells if value != "-")
    return f"{reading.device} #{reading.sample.seq}: {shown}"


# --- how figures moved ---


def _trend(options: argparse.Namespace) -> int:
    from edgeslm.fleet.trend import trends
    from edgeslm.fleet.where import parse_figure
    from edgeslm_agent.errors import UsageError

    if not options.db or options.alerts:
        raise UsageError("--since reads a collector's database", "add --db FILE, and ask for --alerts without --since")
    wanted = [parse_figure(name) for name in options.figure] if options.figure else list(_TRENDS)
    until = time.time()
    found = trends(_moments(options, until - options.since), wanted, until - options.since, until)
    if options.json:
        output.document(
            TREND_SCHEMA, {"since": until - options.since, "until": until, "trends": list(map(asdict, found))}
        )
    elif found:
        columns = ("device", "figure", "low", "mean", "high", "last", "samples", "trend")
        output.table(columns, [_trend_cells(one) for one in found])
    else:
        output.story("no such sample in that time")
    return 0


def _moments(options: argparse.Namespace, since: float) -> Iterator[tuple[str, float, Mapping[str, float | Spread]]]:
    from edgeslm.fleet.view import device_view

    devices, where = named(options)
    history = opened(options.db)
    try:
        for moment in history.moments(devices, since):
            row = device_view(moment.sighting)
            if where.holds(row):
                yield row.device, moment.at, moment.spreads or row.figures
    finally:
        history.close()


def _trend_cells(one: Trend) -> list[str]:
    from edgeslm.cli.sparkline import sparkline

    numbers = [_written(value, _form(one.figure)) for value in (one.low, one.mean, one.high, one.last)]
    return [one.device, one.figure, *numbers, str(one.samples), sparkline(one.series)]


# --- writing figures ---


def _names() -> list[str]:
    return [column for column, _, _ in _COLUMNS]


def _cells(row: DeviceView) -> list[str]:
    return [row.device, *_shown(row.figures), "-" if row.sample_age_s is None else f"{row.sample_age_s:.0f} s"]


def _shown(figures: Mapping[str, float]) -> list[str]:
    return [_written(figures[name], form) if name in figures else "-" for _, name, form in _COLUMNS]


def _form(figure: str) -> str:
    return next((form for _, name, form in _COLUMNS if name == figure), "{:.4g}")


def _written(value: float, form: str) -> str:
    from edgeslm_agent.units import format_bytes, format_seconds

    if form == "bytes":
        return format_bytes(value)
    return format_seconds(value) if form == "seconds" else form.format(value)
