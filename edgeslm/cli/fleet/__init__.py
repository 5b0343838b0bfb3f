"""`edgeslm fleet`: who the devices are, what they report, what each does; one file a verb.

A verb module has `configure(parser)` and `run(options) -> int`, and is listed in the table below.
"""

from __future__ import annotations

import argparse

from edgeslm.cli.fleet import (
    collect,
    command,
    enroll,
    grant,
    home_assistant,
    init,
    metrics,
    revoke,
    simulate,
    status,
    tidy,
)
from edgeslm.cli.fleet import configure as configuring

VERBS = {
    "init": (init, "make the fleet's own authority and a broker's configuration with TLS"),
    "enroll": (enroll, "give a device an identity: a one-time token, or a signature by hand"),
    "grant": (grant, "make credentials for one more operator, collector or viewer"),
    "revoke": (revoke, "take a device's certificates and tokens back"),
    "collect": (collect, "keep what devices report in a database, and let them forget it"),
    "tidy": (tidy, "fold and delete what a collector's database keeps no longer"),
    "metrics": (metrics, "show a collector's database to Prometheus, and print a Grafana dashboard"),
    "home-assistant": (home_assistant, "let the devices of a broker appear in Home Assistant"),
    "status": (status, "show what every device is and does"),
    "command": (command, "send one command to a device and print its answer"),
    "configure": (configuring, "set how often and how devices report, and show what they made of it"),
    "simulate": (simulate, "run devices that are not there against a real broker, with faults, and count what is lost"),
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of `edgeslm fleet`."""
    verbs = parser.add_subparsers(dest="fleet_verb", metavar="VERB", required=True)
    for name, (module, text) in VERBS.items():
        verb = verbs.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        # SUPPRESS: `edgeslm fleet --json status` must survive this parser's default
        verb.add_argument(
            "--json", action="store_true", default=argparse.SUPPRESS, help="print one JSON document on stdout"
        )
        module.configure(verb)


def run(options: argparse.Namespace) -> int:
    """Run one verb."""
    module, _ = VERBS[options.fleet_verb]
    code: int = module.run(options)
    return code
