"""`edgeslm fleet`: collect what devices report, show what each does, ask one of them something."""

from __future__ import annotations

import argparse
import signal
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from edgeslm.cli import output
from edgeslm.cli.broker import add_broker_options, duration, transport

if TYPE_CHECKING:
    from edgeslm.fleet.view import DeviceView
    from edgeslm_agent.contract.topics import Scope

STATUS_SCHEMA = "edgeslm.fleet-status/1"
COLLECT_SCHEMA = "edgeslm.fleet-collect/1"
COMMAND_SCHEMA = "edgeslm.fleet-command/1"
_STATUS_COLUMNS = ("device", "state", "model", "board", "agent", "tokens/s", "temperature", "age", "look at")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of `edgeslm fleet`."""
    verbs = parser.add_subparsers(dest="fleet_verb", metavar="VERB", required=True)
    collect = _verb(verbs, "collect", "keep what devices report in a database, and let them forget it")
    collect.add_argument("--db", metavar="FILE", type=Path, required=True, help="the SQLite file to write")
    collect.add_argument("--name", default="edgeslm-collector", help="client id; a second collector needs another")
    status = _verb(verbs, "status", "show what every device is and does")
    status.add_argument("scope", nargs="?", metavar="FLEET[/ID]", help="one fleet or one device (all)")
    status.add_argument("--wait", type=duration, default=12.0, metavar="TIME", help="how long to listen (12s)")
    status.add_argument("--db", metavar="FILE", type=Path, help="read a collector's database instead of the broker")
    command = _verb(verbs, "command", "send one command to a device and print its answer")
    command.add_argument("device", metavar="FLEET/ID")
    command.add_argument("prompt", nargs="?", default="", metavar="PROMPT")
    command.add_argument("--op", choices=("generate", "ping", "measure", "embed", "classify"), default="generate")
    command.add_argument("--max-tokens", type=int, metavar="N", help="bound of the answer")
    command.add_argument("--timeout", type=duration, default=60.0, metavar="TIME", help="how long to wait (60s)")


def run(options: argparse.Namespace) -> int:
    """Run one verb."""
    return {"collect": _collect, "status": _status, "command": _command}[options.fleet_verb](options)


def _verb(verbs: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str) -> argparse.ArgumentParser:
    parser = verbs.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    add_broker_options(parser)
    # SUPPRESS: `edgeslm fleet --json status` must survive this parser's default
    parser.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="print one JSON document on stdout"
    )
    return parser


# --- collect ---


def _collect(options: argparse.Namespace) -> int:
    from edgeslm.fleet.collector import Collector
    from edgeslm.fleet.history import History

    link = transport(options)
    history = History(options.db)
    try:
        stop = threading.Event()
        collector = Collector(
            link, history, name=options.name, notice=lambda text: _collecting(options, link.name, text)
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: _stop(stop, collector.wake))
        collector.run(stop)
        totals = history.totals()
    finally:
        history.close()
    if options.json:
        output.document(COLLECT_SCHEMA, {"state": "stopped", "totals": totals})
    else:
        held = f"{totals['samples']} samples and {totals['events']} events of {totals['devices']} devices"
        output.result(f"stopped; {options.db} holds {held}")
    return 0


def _collecting(options: argparse.Namespace, broker: str, text: str) -> None:
    if text != "ready":
        output.story(text)
    elif options.json:
        output.document(COLLECT_SCHEMA, {"state": "ready", "broker": broker, "db": str(options.db)})
    else:
        output.result(f"collecting from {broker} into {options.db}")


def _stop(stop: threading.Event, wake: object) -> None:
    stop.set()
    assert callable(wake)
    # the signal may have come while the loop held its queue's lock, so another thread knocks
    threading.Thread(target=wake, daemon=True).start()


# --- status ---


def _status(options: argparse.Namespace) -> int:
    from edgeslm_agent.contract.topics import parse_scope

    scope = parse_scope(options.scope)
    rows = _rows_of_history(options.db, scope) if options.db else _rows_of_broker(options, scope)
    if options.json:
        output.document(STATUS_SCHEMA, {"scope": str(scope), "devices": [_document(row) for row in rows]})
        return 0
    if not rows:
        output.story("no device is known here; is an agent connected to this broker?")
        return 0
    output.table(_STATUS_COLUMNS, [_cells(row) for row in rows])
    for row in rows:
        for flag in row.flags:
            output.story(f"{row.device}: {flag.name}: {flag.reason}")
    return 0


def _rows_of_broker(options: argparse.Namespace, scope: Scope) -> tuple[DeviceView, ...]:
    from edgeslm.fleet.view import fleet_view
    from edgeslm.fleet.watch import look

    sightings, listened_s = look(transport(options), scope, options.wait)
    return fleet_view(sightings.sightings(time.monotonic()), listened_s)


def _rows_of_history(path: Path, scope: Scope) -> tuple[DeviceView, ...]:
    from edgeslm.fleet.history import History
    from edgeslm.fleet.view import fleet_view
    from edgeslm_agent.errors import UsageError

    if not path.is_file():
        raise UsageError(f"there is no database at {path}", "make one with `edgeslm fleet collect --db FILE`")
    history = History(path)
    try:
        return fleet_view(history.sightings(scope, time.time()))
    finally:
        history.close()


def _document(row: DeviceView) -> dict[str, object]:
    body = asdict(row)
    return {**body, "flags": [flag.name for flag in row.flags], "reasons": [flag.reason for flag in row.flags]}


def _cells(row: DeviceView) -> list[str]:
    speed, heat = row.figures.get("decode_tps"), row.figures.get("temperature_c")
    return [
        row.device,
        row.state,
        row.variant or (f"model {row.model_state}" if row.model_state else "-"),
        row.board or "-",
        row.agent or "-",
        "-" if speed is None else f"{speed:.1f}",
        "-" if heat is None else f"{heat:.0f} C",
        "-" if row.sample_age_s is None else f"{row.sample_age_s:.0f} s",
        ", ".join(flag.name for flag in row.flags) or "-",
    ]


# --- command ---


def _command(options: argparse.Namespace) -> int:
    from edgeslm.fleet.client import Client
    from edgeslm_agent.errors import UsageError

    if options.op == "generate" and not options.prompt:
        raise UsageError("no prompt", 'edgeslm fleet command home/kitchen "turn on the light"')
    with Client(transport(options), options.device) as client:
        result = client.send(
            options.op, prompt=options.prompt, max_tokens=options.max_tokens, timeout_s=options.timeout,
            on_accepted=lambda: output.story(f"{options.device} accepted it ..."),
        )  # fmt: skip
    if options.json:
        output.document(COMMAND_SCHEMA, {"device": options.device, **asdict(result)})
    elif result.state == "failed":
        output.story(f"{options.device} failed: {_printable(result.error or 'no reason given')}")
    else:
        output.result(_printable(result.text) if result.text is not None else _figures(result.figures))
    return 0 if result.state == "done" else 1


def _figures(figures: object) -> str:
    assert isinstance(figures, dict)
    return ", ".join(f"{name} {value:.4g}" for name, value in figures.items()) or "done"


def _printable(text: str) -> str:
    """Leave out control characters: a completion must not drive the operator's terminal."""
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "\ufffd" for letter in text)
