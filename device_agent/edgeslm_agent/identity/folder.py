"""The folder of a device's credentials, and the identity in the making beside it.

    ca.pem  cert.pem  key.pem  identity.json      in use
    next/   the same names                        in the making: the key first, the certificate last

`next/` is complete when it holds a certificate. Then `settle` moves its files up, the certificate last again, so that
an interruption at any point leaves either the old identity or a move that the next start finishes. Key and certificate
are two files, and a device that held one of each would be locked out.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from edgeslm_agent.contract.enrolment import MAX_BYTES
from edgeslm_agent.contract.topics import parse_device_id
from edgeslm_agent.errors import ConfigError, EnvironmentProblem, UsageError
from edgeslm_agent.host.durable import make_private_folder, sync_folder, write_durable
from edgeslm_agent.identity.openssl import new_key

if TYPE_CHECKING:
    from pathlib import Path

CERTIFICATE, KEY, AUTHORITY, RECORD = "cert.pem", "key.pem", "ca.pem", "identity.json"
_ORDER = (AUTHORITY, RECORD, KEY, CERTIFICATE)
_SCHEMA = "edgeslm.identity/1"


@dataclass(frozen=True)
class Record:
    """Who the certificate is for, the desk that renews it and the nonce of its token (both None: it came by hand)."""

    device: str
    desk: str | None = None
    nonce: str | None = None


def pending_key(folder: Path) -> Path:
    """Return the key of the identity in the making; it is made once and kept, so that a request can be repeated.

    Raises EnvironmentProblem when the folder cannot be written, MissingExtra without openssl.
    """
    path = folder / "next" / KEY
    if not path.exists():
        try:
            make_private_folder(path.parent)
            write_durable(path, new_key())
        except OSError as error:
            raise _unwritable(folder, error) from error
    return path


def install(folder: Path, certificate: bytes, authority: bytes, record: Record) -> None:
    """Put a certificate for the pending key into use, with the certificate of who vouches for broker and desk.

    Raises ConfigError when it is for another key, EnvironmentProblem when the folder cannot be written.
    """
    making = folder / "next"
    try:
        write_durable(making / "answer.pem", certificate)
        _check_pair(making / "answer.pem", making / KEY)
        write_durable(making / AUTHORITY, authority)
        write_durable(making / RECORD, json.dumps({"schema": _SCHEMA, **asdict(record)}).encode() + b"\n")
        (making / "answer.pem").replace(making / CERTIFICATE)
        sync_folder(making)
        settle(folder)
    except OSError as error:
        raise _unwritable(folder, error) from error


def settle(folder: Path) -> None:
    """Finish a move that was interrupted; nothing to do for a folder without one. Raises EnvironmentProblem."""
    making = folder / "next"
    try:
        if not (making / CERTIFICATE).exists():
            return
        for name in _ORDER:
            if (making / name).exists():
                (making / name).replace(folder / name)
                sync_folder(folder)
    except OSError as error:
        raise _unwritable(folder, error) from error
    shutil.rmtree(making, ignore_errors=True)  # what an interrupted write left there is nobody's


def read_record(folder: Path) -> Record | None:
    """Return whose identity the folder holds; None when it was not made by enrolment. Raises ConfigError."""
    path = folder / RECORD
    if not path.exists():
        return None
    try:
        with path.open("rb") as file:
            document = json.loads(file.read(MAX_BYTES))
        record = Record(document["device"], document["desk"], document["nonce"])
        if not all(value is None or isinstance(value, str) for value in asdict(record).values()):
            raise ValueError("a field is no text")  # noqa: TRY301 - joins the other ways to be broken
        parse_device_id(record.device or "")
    except (OSError, ValueError, KeyError, TypeError, UsageError) as error:
        raise ConfigError(f"{path} cannot be read: {error}", "enrol this device again") from error
    return record


def _check_pair(certificate: Path, key: Path) -> None:
    import ssl

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key)
    except (ssl.SSLError, OSError) as error:
        certificate.unlink()
        raise ConfigError(
            "that certificate is not for the key of this device",
            "make a new request here (`edgeslm-agent enroll --csr FILE`), and have that one signed",
        ) from error


def _unwritable(folder: Path, error: OSError) -> EnvironmentProblem:
    return EnvironmentProblem(
        f"the credentials in {folder} cannot be written: {error.strerror or error}",
        "run as the agent's user, or name another folder with --credentials",
    )
