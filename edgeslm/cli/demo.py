"""`edgeslm demo`: the guided first run."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from edgeslm.cli import output
from edgeslm_agent.errors import UsageError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def configure(parser: ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument(
        "--broker-kind",
        choices=["embedded", "mosquitto"],
        default="embedded",
        help="the embedded broker (default), or a Mosquitto found on this machine",
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="play in this empty folder and leave everything there")


def run(options: Namespace) -> int:
    """Play the demo in a temporary folder, or in the one to keep."""
    from edgeslm.demo import run_demo

    if options.keep is not None:
        if options.keep.exists() and any(options.keep.iterdir()):
            raise UsageError(f"{options.keep} is not empty", "choose another folder for --keep")
        options.keep.mkdir(parents=True, exist_ok=True)
        run_demo(options.keep, options.broker_kind, output.result)
        return 0
    with tempfile.TemporaryDirectory(prefix="edgeslm-demo-") as folder:
        run_demo(Path(folder), options.broker_kind, output.result)
    return 0
