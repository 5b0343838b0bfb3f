"""`edgeslm fleet home-assistant`: let the devices of a broker appear in Home Assistant."""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING

from edgeslm.cli import output
from edgeslm.cli.broker import add_broker_options, duration, transport

if TYPE_CHECKING:
    import argparse

SCHEMA = "edgeslm.fleet-home-assistant/1"
_EVERY_S = 10.0
_PREFIX = re.compile(r"[A-Za-z0-9_/-]{1,64}")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_broker_options(parser)
    parser.add_argument("devices", nargs="*", metavar="FLEET[/ID]", help="which devices (default: all)")
    parser.add_argument(
        "--prefix", default="homeassistant", help="the discovery prefix of that Home Assistant (default homeassistant)"
    )
    parser.add_argument("--wait", type=duration, metavar="TIME", help="end after so long (default: at Ctrl-C)")


def run(options: argparse.Namespace) -> int:
    """Publish discovery and state until stopped."""
    from edgeslm.fleet.client import CONNECT_S, connect
    from edgeslm.fleet.devices import parse_devices
    from edgeslm.fleet.home_assistant import Mirror
    from edgeslm.fleet.view import fleet_view
    from edgeslm.fleet.watch import glances
    from edgeslm_agent.errors import UsageError
    from edgeslm_agent.link.endpoint import Endpoint, Patience
    from edgeslm_agent.link.transport import Connected, SessionOptions

    if not _PREFIX.fullmatch(options.prefix):
        raise UsageError(f"'{options.prefix}' is not a discovery prefix", "letters, digits, '_', '-' and '/'")
    link, mirror, devices = transport(options), Mirror(options.prefix), parse_devices(options.devices)
    out = Endpoint(
        link, SessionOptions(f"edgeslm-home-assistant-{os.urandom(4).hex()}"), patience=Patience(outbox=10_000)
    )
    try:
        connect(out, CONNECT_S)
        for heard, listened_s in glances(link, devices, _EVERY_S, options.wait):
            while happening := out.poll(0.0):
                if isinstance(happening, Connected):
                    mirror.forget()  # who knows whether that broker still has what it retained
            news = mirror.changes(fleet_view(heard.sightings(time.monotonic()), listened_s))
            for message in news:
                out.publish(message)
            out.flush(_EVERY_S / 2)
            _tell(options, len(news), len(heard.statuses))
    finally:
        out.close()
    return 0


def _tell(options: argparse.Namespace, published: int, devices: int) -> None:
    if options.json:
        output.document(SCHEMA, {"t": round(time.time(), 3), "devices": devices, "published": published})
    elif published:
        output.result(f"{published} messages for Home Assistant about {devices} devices")
