"""Keys, certificate requests and dates through the `openssl` program: the only file that calls it.

The device makes a key once a year. A Python library for that would be 17 MB on every board; the program is there
wherever ca-certificates is (Debian makes that package depend on it).
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeslm_agent.errors import ConfigError, MissingExtra

if TYPE_CHECKING:
    from pathlib import Path

    from edgeslm_agent.contract.topics import DeviceId

_PATIENCE_S = 60.0  # a key takes milliseconds; a board without entropy after its first start may wait


@dataclass(frozen=True)
class Validity:
    """From when until when a certificate holds, in seconds since 1970."""

    begins: float
    ends: float

    def due(self, now: float) -> bool:
        """Whether it should be renewed: less than a third of its time is left."""
        return self.ends - now < (self.ends - self.begins) / 3


def new_key() -> bytes:
    """Return a new private key (ECDSA on P-256) as PEM. Raises MissingExtra without openssl."""
    return _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")


def request(key: Path, device: DeviceId) -> bytes:
    """Return a certificate request (PKCS #10, PEM) for the key's owner, named FLEET/ID.

    Raises ConfigError when the key cannot be read, MissingExtra without openssl.
    """
    # a configuration of our own: the system's may be absent, and -subj would take the slash apart
    config = f"[req]\nprompt=no\ndistinguished_name=name\nstring_mask=utf8only\n[name]\nCN={device}\n"
    return _openssl("req", "-new", "-sha256", "-key", str(key), "-config", "/dev/stdin", text=config)


def validity(certificate: Path) -> Validity:
    """Return a certificate's dates. Raises ConfigError when it cannot be read, MissingExtra without openssl."""
    from ssl import cert_time_to_seconds

    told = _openssl("x509", "-in", str(certificate), "-noout", "-dates").decode()
    dates = dict(line.split("=", maxsplit=1) for line in told.splitlines() if "=" in line)
    try:
        return Validity(cert_time_to_seconds(dates["notBefore"]), cert_time_to_seconds(dates["notAfter"]))
    except (KeyError, ValueError) as error:
        raise ConfigError(f"{certificate} has no dates", "enrol this device again") from error


def _openssl(*arguments: str, text: str = "") -> bytes:
    program = shutil.which("openssl")
    if program is None:
        raise MissingExtra("the program openssl is not on this machine", "sudo apt-get install openssl")
    try:
        done = subprocess.run(
            [program, *arguments], input=text.encode(), capture_output=True, check=True, timeout=_PATIENCE_S
        )
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode(errors="replace").strip().splitlines()
        raise ConfigError(
            f"openssl {arguments[0]} refused: {reason[0] if reason else 'no reason given'}",
            "is the file there, readable, and PEM?",
        ) from error
    except subprocess.TimeoutExpired as error:
        raise ConfigError(f"openssl {arguments[0]} took more than {_PATIENCE_S:g} s", "try again") from error
    return done.stdout
