"""`edgeslm fleet init`: make the authority of a fleet, or give an existing one new hosts and ports."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import TYPE_CHECKING

from edgeslm.cli import output
from edgeslm.cli.fleet.authority import add_authority_option, authority_folder

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from edgeslm.fleet.identity.authority import Settings

SCHEMA = "edgeslm.fleet-init/1"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_authority_option(parser)
    parser.add_argument(
        "--host", metavar="NAME", action="append", dest="hosts",
        help="a name or an address of the broker; the first is told to devices (this machine's name)",
    )  # fmt: skip
    parser.add_argument("--port", type=int, metavar="N", help="of the broker, for devices (8883)")
    parser.add_argument("--operator-port", type=int, metavar="N", help="of the broker, for operators (8884)")
    parser.add_argument("--desk-port", type=int, metavar="N", help="of enrolment (8885)")
    parser.epilog = "Run it again to change hosts or ports, and to renew the broker's certificate; the rest is kept."


def run(options: argparse.Namespace) -> int:
    """Make or change it, and say what to start."""
    folder = authority_folder(options)
    from edgeslm.fleet.identity import mosquitto
    from edgeslm.fleet.identity.authority import init

    authority = init(folder, _settings(options, folder))
    broker = authority.broker
    body = {
        "authority": str(authority.folder),
        "configuration": str(broker / "mosquitto.conf"),
        "broker": authority.broker_url,
        "operators": authority.operator_url,
        "desk": authority.desk_url,
    }
    if options.json:
        output.document(SCHEMA, body)
        return 0
    output.result(f"authority in {authority.folder}, readable for you alone; keep a copy of keys/ elsewhere")
    output.result(f"broker:   mosquitto -c {broker / 'mosquitto.conf'}")
    output.result(f"operator: EDGESLM_BROKER={authority.operator_url} EDGESLM_CREDENTIALS={authority.folder}/operator")
    output.result("devices:  edgeslm fleet enroll FLEET/ID, and edgeslm fleet enroll --serve while they enrol")
    if mosquitto.reload(broker):
        output.story("the running broker read its certificate again; restart it if ports changed")
    return 0


def _settings(options: argparse.Namespace, folder: Path) -> Settings:
    from edgeslm.fleet.identity.authority import Settings, open_authority
    from edgeslm_agent.errors import UsageError

    given = {name: getattr(options, name) for name in ("hosts", "port", "operator_port", "desk_port")}
    changes = {name: value for name, value in given.items() if value is not None}
    if "hosts" in changes:
        changes["hosts"] = tuple(changes["hosts"])
    try:
        present = open_authority(folder).settings
    except UsageError:  # a new one
        present = Settings((socket.getfqdn(), "localhost"))
    return replace(present, **changes)
