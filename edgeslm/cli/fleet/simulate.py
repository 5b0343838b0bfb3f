"""`edgeslm fleet simulate`: the agent's own code a thousand times, faults on purpose, and a certificate of loss."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from edgeslm.cli import output
from edgeslm.cli.broker import duration

if TYPE_CHECKING:
    import argparse

    from edgeslm.fleet.simulate.run import Report

SCHEMA = "edgeslm.simulation/1"
_LOCAL = ("127.0.0.1", "localhost", "::1")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("-n", dest="devices", type=int, default=100, metavar="N", help="devices (100)")
    parser.add_argument("--duration", type=duration, default=60.0, metavar="TIME", help="of the faults (60s)")
    parser.add_argument(
        "--faults", default="", metavar="LIST",
        help="KIND=EVERY[/LASTS],...: broker-kill, partition, slow-link, clock-jump, reboot",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="the same seed, the same faults (1)")
    parser.add_argument("--sample-every", type=duration, default=10.0, metavar="TIME", help="of each device (10s)")
    parser.add_argument(
        "--ask-every", type=duration, default=120.0, metavar="TIME", help="between two commands to a device (2m)"
    )
    parser.add_argument("--processes", type=int, metavar="N", help="that hold the devices (four a core)")
    parser.add_argument("--broker", metavar="URL", help="one on this machine, instead of a Mosquitto of our own")
    parser.epilog = "Exit code 1 when a record was lost or is stored twice."


def run(options: argparse.Namespace) -> int:
    """Simulate and report."""
    from edgeslm.fleet.simulate.run import Wish, simulate
    from edgeslm.fleet.simulate.script import parse_faults
    from edgeslm_agent.errors import UsageError

    processes = options.processes or Wish.processes
    if not 1 <= options.devices <= 100_000 or processes < 1:
        raise UsageError("-n is 1 to 100000, and --processes at least 1", "such as -n 50 --processes 2")
    wish = Wish(
        options.devices, options.duration, parse_faults(options.faults), options.seed, options.sample_every,
        options.ask_every, processes, _port(options.broker),
    )  # fmt: skip
    report = simulate(wish, output.story)
    if options.json:
        output.document(SCHEMA, asdict(report))
    else:
        _tell(report)
    return 0 if report.certificate.clean else 1


def _port(url: str | None) -> int | None:
    from edgeslm_agent.errors import UsageError
    from edgeslm_agent.link.address import parse_address

    if url is None:
        return None
    address = parse_address(url)
    if address.host not in _LOCAL or address.tls or address.credentials.username:
        raise UsageError("the links of a simulation lead to a plain broker on this machine", "mqtt://127.0.0.1:1883")
    return address.port


def _tell(report: Report) -> None:
    one = report.certificate
    faults = ", ".join(f"{number} {kind}" for kind, number in report.faults.items()) or "no faults"
    output.result(f"{report.seconds:.0f} s, {report.boots} boots, {faults}")
    output.result(f"made {one.made}, stored {one.stored}, dropped {one.dropped}")
    output.result(f"lost {one.lost}, duplicates {one.duplicates}")
    if report.settled_s is None:
        output.story("not everything that is missing had time to arrive; see --json")
    loads = ", ".join(f"{name} {load:.0%}" for name, load in report.load.items())
    output.story(f"of a core: {loads}")
