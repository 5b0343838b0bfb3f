"""`edgeslm fleet enroll`: give a device a one-time token, sign a request carried here, or serve the desk."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from edgeslm.cli import output
from edgeslm.cli.broker import duration
from edgeslm.cli.fleet.authority import add_authority_option, authority_of
from edgeslm_agent.errors import ConfigError, EnvironmentProblem, UsageError

if TYPE_CHECKING:
    import argparse

    from edgeslm.fleet.identity.authority import Authority

SCHEMA = "edgeslm.fleet-enroll/1"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_authority_option(parser)
    parser.add_argument("device", nargs="?", metavar="FLEET/ID")
    parser.add_argument(
        "--valid", type=duration, default=3600.0, metavar="TIME", help="the token's time (1h, 7 days at most)"
    )
    parser.add_argument("--csr", metavar="FILE", type=Path, help="sign this request instead of making a token")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="where the certificate for --csr goes")
    parser.add_argument("--serve", action="store_true", help="answer devices that enrol or renew, until stopped")
    parser.add_argument("--bind", default="", metavar="ADDRESS", help="with --serve, of one interface (all)")


def run(options: argparse.Namespace) -> int:
    """Do one of the three."""
    authority = authority_of(options)
    if options.serve:
        if options.device or options.csr:
            raise UsageError("--serve takes no device", "run it beside `edgeslm fleet enroll FLEET/ID`")
        return _serve(options, authority)
    if not options.device:
        raise UsageError("no device is named", "edgeslm fleet enroll home/kitchen")
    return _sign(options, authority) if options.csr else _invite(options, authority)


def _invite(options: argparse.Namespace, authority: Authority) -> int:
    from edgeslm.fleet.identity.enrolment import invite

    token, text = invite(authority, options.device, time.time(), options.valid)
    ca = authority.folder / "ca.pem"
    if options.json:
        output.document(SCHEMA, {"device": token.device, "token": text, "ends": token.ends, "ca": str(ca)})
        return 0
    output.story(f"for {token.device} alone, once, until {_clock(token.ends)}; on the device, with {ca} beside it:")
    output.result(f"edgeslm-agent enroll {text} --ca ca.pem")
    output.story("it asks the desk: edgeslm fleet enroll --serve")
    return 0


def _sign(options: argparse.Namespace, authority: Authority) -> int:
    from edgeslm.fleet.identity.enrolment import sign
    from edgeslm_agent.host.durable import write_durable

    if options.output is None:
        raise UsageError("the certificate needs a place", "give -o FILE")
    try:
        with options.csr.open("rb") as file:
            request = file.read(64 * 1024)
    except OSError as error:
        raise ConfigError(f"cannot read {options.csr}: {error.strerror}", "give the request's path") from error
    made = sign(authority, options.device, request, time.time())
    write_durable(options.output, made.pem)
    if options.json:
        output.document(
            SCHEMA, {"device": made.name, "serial": made.serial, "ends": made.ends, "certificate": str(options.output)}
        )
        return 0
    output.result(f"{options.output}: certificate {made.serial} for {made.name} until {_clock(made.ends)}")
    output.story(f"on the device: edgeslm-agent enroll --id {made.name} --certificate FILE --ca ca.pem")
    return 0


def _serve(options: argparse.Namespace, authority: Authority) -> int:
    from edgeslm.fleet.identity.desk import Desk, serving

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        desk = Desk(authority, options.bind, notice=output.story)
    except OSError as error:
        raise EnvironmentProblem(
            f"cannot listen on port {authority.settings.desk_port}: {error.strerror}", "is another desk running?"
        ) from error
    with serving(desk):
        if options.json:
            output.document(SCHEMA, {"state": "ready", "desk": authority.desk_url})
        else:
            output.result(f"enrolling at {authority.desk_url} until stopped")
        stop.wait()
    return 0


def _clock(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(moment))
