"""From a token to an identity, and from an identity to the next one.

    enroll    token + ca.pem -> a key here, a request, the desk's certificate -> installed
    renew     the same with the present certificate instead of a token, when less than a third of its time is left
    request   the first half by hand: a key here, a request to carry to the operator
    accept    the second half by hand: the certificate that came back -> installed

Every step may be interrupted and repeated: the key in the making is kept, and the desk gives one key one certificate.
What needs TLS or HTTP is imported when it is used: an agent that only looks at its dates stays as small as it was.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edgeslm_agent.contract.enrolment import ENROLL_PATH, MAX_BYTES, RENEW_PATH, checked_identity, parse_token
from edgeslm_agent.contract.topics import parse_device_id
from edgeslm_agent.errors import ConfigError, LinkError, Refused, UsageError
from edgeslm_agent.identity.folder import AUTHORITY, CERTIFICATE, KEY, Record, install, pending_key, read_record, settle
from edgeslm_agent.identity.openssl import request as make_request
from edgeslm_agent.identity.openssl import validity

if TYPE_CHECKING:
    from pathlib import Path

    from edgeslm_agent.contract.enrolment import Token


def enroll(text: str, authority: Path, folder: Path) -> Token:
    """Exchange a token for a certificate and put it into `folder`; returns what the token said.

    Raises UsageError for the token, ConfigError for the files, EnvironmentProblem for the disk, LinkError for the desk.
    """
    from edgeslm_agent.identity.exchange import ask, trust

    token = parse_token(text).token
    authority_pem = _read(authority)
    if fingerprint(authority_pem) != token.authority:
        raise ConfigError(
            f"{authority} is not the authority that the token names", "copy ca.pem from the operator who made the token"
        )
    settle(folder)
    present = read_record(folder)
    if present is not None and present.nonce == token.nonce:  # the last try got further than it could say
        return token
    made = make_request(pending_key(folder), parse_device_id(token.device))
    body = {"token": text.strip(), "request": made.decode()}
    certificate = ask(token.desk, ENROLL_PATH, body, trust(authority))
    install(folder, certificate, authority_pem, Record(token.device, token.desk, token.nonce))
    return token


def renew(folder: Path, *, now: float | None = None, anyway: bool = False) -> bool:
    """Exchange the certificate in `folder` for a new one with a new key when it is due; returns whether that happened.

    Raises UsageError when the folder holds no identity that a desk renews, else as `enroll`.
    """
    settle(folder)
    record = read_record(folder)
    if record is None or record.desk is None:
        raise UsageError(
            f"{folder} holds no identity that a desk can renew",
            "enrol with a token; an identity that came by hand is renewed by hand",
        )
    held, moment = validity(folder / CERTIFICATE), time.time() if now is None else now
    if not anyway and not held.due(moment):
        return False
    from edgeslm_agent.identity.exchange import ask, trust

    made = make_request(pending_key(folder), parse_device_id(record.device))
    context = trust(folder / AUTHORITY, (folder / CERTIFICATE, folder / KEY))
    try:
        certificate = ask(record.desk, RENEW_PATH, {"request": made.decode()}, context)
    except LinkError as error:
        if held.ends > moment:
            raise
        # tried all the same, our clock may be wrong; a desk that refuses in the handshake cannot always say why
        raise Refused("this device's certificate has ended", "enrol again with a new token") from error
    install(folder, certificate, _read(folder / AUTHORITY), record)
    return True


def request(identity: str, folder: Path) -> bytes:
    """Return a certificate request (PEM) for FLEET/ID, to be carried to the operator; its key waits in `folder`.

    Raises UsageError for the name, EnvironmentProblem for the disk or a missing openssl.
    """
    return make_request(pending_key(folder), checked_identity(identity))


def accept(identity: str, certificate: Path, authority: Path, folder: Path) -> None:
    """Install a certificate that was carried here. Raises ConfigError when it is not for the key that waits here."""
    authority_pem = _read(authority)
    fingerprint(authority_pem)  # a file that holds no certificate is refused now, not at the first connection
    install(folder, _read(certificate), authority_pem, Record(str(checked_identity(identity))))


def fingerprint(pem: bytes) -> str:
    """Return the SHA-256 of a certificate (its DER form), in hex. Raises ConfigError when there is none in the text."""
    import hashlib
    import ssl

    try:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.decode())).hexdigest()
    except ValueError as error:
        raise ConfigError("that file holds no certificate", "it begins with -----BEGIN CERTIFICATE-----") from error


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}", "give the path of a PEM file") from error
