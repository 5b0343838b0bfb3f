"""`edgeslm fleet configure`: say how devices report, and see what they made of it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from edgeslm.cli import output
from edgeslm.cli.broker import add_broker_options, duration, transport

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from edgeslm.fleet.configure import Configured

SCHEMA = "edgeslm.fleet-configure/1"
_COLUMNS = ("device", "order", "version", "a sample every", "batch", "compress above", "only changes of", "heartbeat")
_OFF = "none"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("devices", nargs="+", metavar="FLEET[/ID]", help="whom; * and ? stand for any")
    add_broker_options(parser)
    parser.add_argument("--sample-every", type=duration, dest="interval_s", metavar="TIME", help="look at the sensors")
    parser.add_argument(
        "--batch", type=_batch, dest="batch_s", metavar="TIME", help="let samples wait so long for others (0)"
    )
    parser.add_argument("--compress-above", type=int, metavar="BYTES", help="compress messages bigger than this")
    parser.add_argument(
        "--changes", type=_changes, metavar="FIGURE=AMOUNT,...",
        help=f"keep a sample only when a figure moved by more than this; `{_OFF}` keeps every sample",
    )  # fmt: skip
    parser.add_argument(
        "--heartbeat",
        type=duration,
        dest="heartbeat_s",
        metavar="TIME",
        help="with --changes, at least one sample in this time",
    )
    parser.add_argument("--reset", action="store_true", help="back to what each device was started with")
    parser.add_argument("--wait", type=duration, default=10.0, metavar="TIME", help="for the devices' answers (10s)")
    parser.epilog = "Without a setting it shows what is in force. Exit code 1 when a device refused."


def run(options: argparse.Namespace) -> int:
    """Order, and show what became of it."""
    from edgeslm.fleet.configure import configure
    from edgeslm.fleet.devices import parse_devices

    answers = configure(transport(options), parse_devices(options.devices), _wanted(options), options.wait)
    if options.json:
        output.document(SCHEMA, {"devices": [asdict(one) for one in answers]})
    else:
        output.table(_COLUMNS, [_cells(one) for one in answers])
        for one in answers:
            for problem in one.problems:
                output.story(f"{one.device}: {problem}")
    return 1 if any(one.state == "refused" for one in answers) else 0


def _wanted(options: argparse.Namespace) -> Mapping[str, Any] | None:
    from edgeslm_agent.contract.desired import wrong
    from edgeslm_agent.errors import UsageError

    names = ("interval_s", "batch_s", "compress_above", "changes", "heartbeat_s")
    changes = {name: value for name in names if (value := getattr(options, name)) is not None}
    if options.reset and changes:
        raise UsageError("--reset takes no other setting", "run it first, then again with the settings")
    if problems := wrong(changes):
        raise UsageError("; ".join(problems), "device_agent/PROTOCOL.md lists the settings with their bounds")
    return None if options.reset else changes


def _batch(text: str) -> float:
    return 0.0 if text.strip() in ("0", "0s") else duration(text)


def _changes(text: str) -> dict[str, float]:
    import argparse

    if text == _OFF:
        return {}
    found = {}
    for word in text.split(","):
        name, equals, amount = word.partition("=")
        try:
            found[name.strip()] = float(amount) if equals else 0.0
        except ValueError:
            raise argparse.ArgumentTypeError(f"'{word}' is not FIGURE=AMOUNT") from None
    return found


def _cells(one: Configured) -> list[str]:
    from edgeslm_agent.units import format_seconds

    now = one.telemetry
    if now is None:
        return [one.device, one.state, str(one.version), *["-"] * 5]
    watched = ", ".join(f"{name} {amount:g}" for name, amount in now.changes.items())
    return [
        one.device,
        one.state,
        str(one.version),
        format_seconds(now.interval_s),
        format_seconds(now.batch_s) if now.batch_s else "-",
        f"{now.compress_above} B",
        watched or "-",
        format_seconds(now.heartbeat_s) if now.changes else "-",
    ]
