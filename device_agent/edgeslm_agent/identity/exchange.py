"""One bounded HTTPS request to the operator's desk: a request there, a certificate back (PROTOCOL.md, I)."""

from __future__ import annotations

import http.client
import json
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from edgeslm_agent.contract.enrolment import MAX_BYTES
from edgeslm_agent.errors import ConfigError, Refused, TimedOut, Unreachable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from edgeslm_agent.errors import LinkError

_PATIENCE_S = 30.0


def trust(authority: Path, identity: tuple[Path, Path] | None = None) -> ssl.SSLContext:
    """Return a TLS context that believes this authority and no other; `identity` is our certificate and its key.

    Raises ConfigError when a file cannot be used.
    """
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks the chain and the host's name
        context.load_verify_locations(authority)
        if identity:
            context.load_cert_chain(*identity)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"the TLS files cannot be used: {error}", f"is {authority} the operator's ca.pem?") from error
    return context


def ask(desk: str, path: str, body: Mapping[str, str], context: ssl.SSLContext) -> bytes:
    """Return the certificate (PEM) that the desk gives for a request.

    Raises Unreachable or TimedOut when nobody trusted answers there, Refused with the desk's own reason and hint.
    """
    parts = urlsplit(desk)
    connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=_PATIENCE_S, context=context)
    try:
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        status, text = response.status, response.read(MAX_BYTES)
    except TimeoutError as error:
        raise TimedOut(
            f"{desk} did not answer in {_PATIENCE_S:g} s", "is `edgeslm fleet enroll --serve` up?"
        ) from error
    except (OSError, http.client.HTTPException) as error:
        raise _failed(desk, error) from error
    finally:
        connection.close()
    answer = _read(desk, text)
    if status != http.client.OK:
        raise Refused(str(answer.get("error", f"{desk} answered {status}"))[:500], str(answer.get("hint", ""))[:500])
    return str(answer.get("certificate", "")).encode()


def _read(desk: str, text: bytes) -> Mapping[str, object]:
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise Refused(f"{desk} answers something else than certificates", "is another server at that address?")
    return answer


def _failed(desk: str, error: Exception) -> LinkError:
    if isinstance(error, ssl.SSLCertVerificationError):
        hint = "is --ca the ca.pem of that operator, does its certificate name that host, is this device's clock right?"
        return Unreachable(f"{desk} cannot be trusted: {error.verify_message}", hint)
    if isinstance(error, ssl.SSLError) and "ALERT" in (error.reason or ""):
        hint = "it may have expired or been revoked: `edgeslm fleet enroll FLEET/ID` makes a token for another"
        return Refused(f"{desk} refused this device's certificate ({error.reason})", hint)
    return Unreachable(f"nobody answers at {desk}: {error}", "start `edgeslm fleet enroll --serve`, check the network")
