"""`edgeslm fleet command`: send one command to a device and print its answer."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from edgeslm.cli import output
from edgeslm.cli.broker import add_broker_options, duration, transport

if TYPE_CHECKING:
    import argparse

SCHEMA = "edgeslm.fleet-command/1"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_broker_options(parser)
    parser.add_argument("device", metavar="FLEET/ID")
    parser.add_argument("prompt", nargs="?", default="", metavar="PROMPT")
    parser.add_argument("--op", choices=("generate", "ping", "measure", "embed", "classify"), default="generate")
    parser.add_argument("--max-tokens", type=int, metavar="N", help="bound of the answer")
    parser.add_argument("--timeout", type=duration, default=60.0, metavar="TIME", help="how long to wait (60s)")


def run(options: argparse.Namespace) -> int:
    """Send it; the exit code is 1 when the device failed."""
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
        output.document(SCHEMA, {"device": options.device, **asdict(result)})
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
