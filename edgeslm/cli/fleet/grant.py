"""`edgeslm fleet grant`: make a folder of credentials for one more operator, collector, viewer or Home Assistant."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgeslm.cli import output
from edgeslm.cli.fleet.authority import add_authority_option, authority_of

if TYPE_CHECKING:
    import argparse

SCHEMA = "edgeslm.fleet-grant/1"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_authority_option(parser)
    parser.add_argument("role", choices=("operator", "collector", "viewer", "home-assistant"))
    parser.add_argument("-o", "--output", metavar="DIR", type=Path, required=True, help="the new folder")


def run(options: argparse.Namespace) -> int:
    """Make the folder."""
    authority = authority_of(options)
    from edgeslm.fleet.identity.authority import grant

    made = grant(authority, options.role, options.output)
    if options.json:
        output.document(
            SCHEMA, {"role": made.name, "serial": made.serial, "ends": made.ends, "credentials": str(options.output)}
        )
    else:
        output.result(f"{options.output}: certificate {made.serial} of a {made.name}; for --credentials")
    return 0
