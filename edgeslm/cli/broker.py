"""What every verb that talks to a broker shares: its options, durations such as `12s`, and the transport they name."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from edgeslm_agent.errors import UsageError

if TYPE_CHECKING:
    from edgeslm_agent.link.transport import Transport

_UNITS = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)\s*([a-z]*)")


def add_broker_options(parser: argparse.ArgumentParser) -> None:
    """Add --broker and --credentials."""
    parser.add_argument(
        "--broker", metavar="URL", help="mqtt://[user:password@]host[:port] or mqtts://... (EDGESLM_BROKER)"
    )
    parser.add_argument(
        "--credentials",
        metavar="DIR",
        type=Path,
        help="login, ca.pem, cert.pem and key.pem for the broker (EDGESLM_CREDENTIALS)",
    )


def transport(options: argparse.Namespace) -> Transport:
    """Return the transport to the broker that the options or the environment name.

    Raises UsageError when neither does, ConfigError for a folder without credentials.
    """
    from edgeslm_agent.link.address import parse_address
    from edgeslm_agent.link.mqtt import MqttTransport

    url = options.broker or os.environ.get("EDGESLM_BROKER")
    if not url:
        raise UsageError("no broker is named", "give --broker mqtt://host:1883, or set EDGESLM_BROKER")
    folder = options.credentials or os.environ.get("EDGESLM_CREDENTIALS")
    return MqttTransport(parse_address(url, Path(folder) if folder else None))


def duration(text: str) -> float:
    """Read `12s`, `500ms`, `5m`, `2h`, `7d` or a bare number of seconds; for argparse."""
    match = _DURATION.fullmatch(text.strip().lower())
    if match is None or match[2] not in _UNITS or float(match[1]) == 0.0:
        raise argparse.ArgumentTypeError(f"'{text}' is not a duration; write 12s, 500ms, 5m, 2h or 7d")
    return float(match[1]) * _UNITS[match[2]]
