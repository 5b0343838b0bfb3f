"""`edgeslm fleet revoke`: take back a device's certificates and tokens, and make the broker act on it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from edgeslm.cli import output
from edgeslm.cli.fleet.authority import add_authority_option, authority_of

if TYPE_CHECKING:
    import argparse

SCHEMA = "edgeslm.fleet-revoke/1"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_authority_option(parser)
    parser.add_argument("name", metavar="FLEET/ID", help="or a role: operator, collector, viewer")
    parser.add_argument("--serial", metavar="HEX", help="this certificate alone")


def run(options: argparse.Namespace) -> int:
    """Revoke, and say what the broker knows of it."""
    authority = authority_of(options)
    from edgeslm.fleet.identity.revocation import revoke

    done = revoke(authority, options.name, serial=options.serial)
    if options.json:
        output.document(SCHEMA, {"name": options.name, **asdict(done)})
        return 0
    output.result(f"{options.name}: {len(done.serials)} certificates and {done.tokens} unused tokens taken back")
    if not done.reloaded:
        output.story(
            f"no broker answers here on {authority.broker}: copy its *.crl to the one that does, and send it SIGHUP"
        )
    elif not done.disconnected:
        output.story("the broker refuses it from now on; who is connected stays until the broker is restarted")
    return 0
