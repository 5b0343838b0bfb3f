"""What the verbs that look at devices share: which devices, from where, filtered how, and what becomes of alerts."""

from __future__ import annotations

import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgeslm.cli import output
from edgeslm.cli.broker import add_broker_options, duration, transport

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from edgeslm.fleet.devices import Devices
    from edgeslm.fleet.history import History
    from edgeslm.fleet.sightings import Sighting
    from edgeslm.fleet.view import DeviceView
    from edgeslm.fleet.webhook import Webhook
    from edgeslm.fleet.where import Where

WAIT_S = 12.0


def add_looking_options(parser: argparse.ArgumentParser) -> None:
    """Add the devices, --where, --db, --wait, --alerts, --webhook and the broker's options."""
    add_broker_options(parser)
    parser.add_argument(
        "devices", nargs="*", metavar="FLEET[/ID]", help="which devices, with * and ? for any letters (all)"
    )
    parser.add_argument(
        "--group", action="append", default=[], metavar="NAME", help="also the devices of a group; may be repeated"
    )
    parser.add_argument(
        "--groups", type=Path, metavar="FILE", help="the groups, a YAML file (EDGESLM_GROUPS, or DIR/groups.yaml)"
    )
    parser.add_argument(
        "--where", metavar="EXPR", help="show only devices such as 'temp > 75 and state = online and age < 10m'"
    )
    parser.add_argument("--db", metavar="FILE|URL", help="read a collector's database instead of the broker")
    parser.add_argument("--wait", type=duration, metavar="TIME", help="how long to listen, such as 12s or 5m (12s)")
    parser.add_argument(
        "--alerts", action="store_true",
        help="exit 1 when a device is offline, silent, hot, throttled, failing or slower than claimed",
    )  # fmt: skip
    parser.add_argument("--webhook", metavar="URL", help="with --alerts: also post them there as JSON")


@dataclass(frozen=True)
class Seen:
    """What was looked at: the rows that fulfil --where, and how many messages broke the contract."""

    rows: tuple[DeviceView, ...]
    malformed: int = 0


def look_at(options: argparse.Namespace) -> Seen:
    """Read the database or listen to the broker. Raises UsageError for options that cannot be."""
    from edgeslm.fleet.view import fleet_view

    devices, where = named(options)
    webhook(options)  # a wrong address is said before anything is waited for
    if options.db:
        history = opened(options.db)
        try:
            sightings = with_unknown(devices, history.sightings(devices, time.time()))
        finally:
            history.close()
        return Seen(tuple(row for row in fleet_view(sightings) if where.holds(row)))
    from edgeslm.fleet.watch import look

    wait_s = options.wait or WAIT_S
    link = transport(options)
    output.story(f"listening to {devices} for up to {wait_s:g} s ...")
    heard, listened_s = look(link, devices, wait_s)
    rows = fleet_view(with_unknown(devices, heard.sightings(time.monotonic())), listened_s)
    return Seen(tuple(row for row in rows if where.holds(row)), heard.malformed)


def with_unknown(devices: Devices, sightings: Sequence[Sighting]) -> tuple[Sighting, ...]:
    """Add a device that was named in full and of which nothing is known: it is as silent as can be."""
    from edgeslm.fleet.sightings import Sighting

    known = {one.device for one in sightings}
    return (*sightings, *(Sighting(device) for device in devices.single if device not in known))


def named(options: argparse.Namespace) -> tuple[Devices, Where]:
    """Return which devices and which rows the options mean. Raises UsageError."""
    from edgeslm.fleet.devices import parse_devices
    from edgeslm.fleet.where import Where, parse_where

    words = [*options.devices, *_members(options)]
    return parse_devices(words), parse_where(options.where) if options.where else Where()


def _members(options: argparse.Namespace) -> tuple[str, ...]:
    """Return the devices of the groups that were named."""
    from edgeslm.fleet.device_groups import FILE, members
    from edgeslm_agent.errors import UsageError

    if not options.group:
        return ()
    folder = options.credentials or os.environ.get("EDGESLM_CREDENTIALS")
    file = options.groups or os.environ.get("EDGESLM_GROUPS") or (Path(folder) / FILE if folder else None)
    if file is None:
        raise UsageError("no file says which devices are in a group", f"add --groups FILE, or {FILE} to --credentials")
    return members(options.group, Path(file))


def opened(text: str) -> History:
    """Open a collector's database. Raises UsageError when there is none."""
    from edgeslm.fleet.history import History, parse_address
    from edgeslm_agent.errors import UsageError

    address = parse_address(text)
    if isinstance(address, Path) and not address.is_file():
        raise UsageError(f"there is no database at {address}", "make one with `edgeslm fleet collect --db FILE`")
    return History(address)


def document_of(row: DeviceView) -> dict[str, object]:
    """Return a row as JSON: every known figure, null where the device has no source for it."""
    from edgeslm_agent.contract.figures import FIGURES

    body = asdict(row)
    return {
        **body,
        "figures": {**dict.fromkeys(FIGURES), **row.figures},
        "flags": [flag.name for flag in row.flags],
        "reasons": [flag.reason for flag in row.flags],
    }


def conclude(options: argparse.Namespace, rows: tuple[DeviceView, ...]) -> int:
    """Post the alerts where --webhook says; returns 1 when --alerts was given and there are any."""
    if not options.alerts:
        return 0
    from edgeslm.fleet.alerts import alerts, changes

    found = alerts(rows)
    if found and (hook := webhook(options)):
        hook.post(changes((), found))
    return 1 if found else 0


def webhook(options: argparse.Namespace) -> Webhook | None:
    """Return the webhook that the options name. Raises UsageError when it cannot be one."""
    from edgeslm.fleet.webhook import Webhook
    from edgeslm_agent.errors import UsageError

    if options.webhook and not options.alerts:
        raise UsageError("--webhook is for alerts", "add --alerts")
    return Webhook(options.webhook) if options.webhook else None


def tell_flags(rows: tuple[DeviceView, ...]) -> None:
    """Say on stderr what is to be looked at, and why."""
    for row in rows:
        for flag in row.flags:
            output.story(f"{row.device}: {flag.name}: {flag.reason}")
