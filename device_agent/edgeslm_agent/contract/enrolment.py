"""What enrolment sends over the wire: the one-time token, and the desk's requests and answers (PROTOCOL.md, I).

    edgeslm1.BASE64URL(payload).BASE64URL(mac)

The payload is for the device to read; the mac is for the desk alone, which made it with a key that never leaves it.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from edgeslm_agent.contract.topics import DeviceId, parse_device_id
from edgeslm_agent.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = 1
ENROLL_PATH = "/v1/enroll"
RENEW_PATH = "/v1/renew"
MAX_BYTES = 16 * 1024  # of a request or an answer; a request is 1 KB, a certificate too
MAX_TOKEN_CHARACTERS = 2048
MAX_IDENTITY = (
    64  # X.509 bounds a common name to 64 characters (RFC 5280, ub-common-name), and that is what brokers read
)
_PREFIX = "edgeslm1"


@dataclass(frozen=True)
class Token:
    """What a device is told to become `device`.

    `desk` is where it asks (https URL), `broker` where it connects afterwards (mqtts URL), `authority` the SHA-256 in
    hex of the certificate that vouches for both, `nonce` what makes the token single, `ends` when it does (seconds
    since 1970, by the desk's clock: the device's own is not asked).
    """

    device: str
    desk: str
    broker: str
    authority: str
    nonce: str
    ends: int

    def payload(self) -> bytes:
        """Return the bytes that the mac covers."""
        return json.dumps({"v": VERSION, **asdict(self)}, separators=(",", ":"), sort_keys=True).encode()


@dataclass(frozen=True)
class SignedToken:
    """A token as it travels: what it says, the bytes that say it, and the desk's mac over them."""

    token: Token
    payload: bytes
    mac: bytes


def write_token(token: Token, mac: bytes) -> str:
    """Return the token as a person passes it on: one word without quotes."""
    return ".".join((_PREFIX, _encode(token.payload()), _encode(mac)))


def parse_token(text: str) -> SignedToken:
    """Read a token. Its mac is not looked at: only the desk can. Raises UsageError."""
    prefix, _, rest = text.strip().partition(".")
    body, _, mac = rest.partition(".")
    if len(text) > MAX_TOKEN_CHARACTERS or prefix != _PREFIX:
        raise _not_a_token("it is not a token")
    try:
        payload = _decode(body)
        return SignedToken(_token(json.loads(payload)), payload, _decode(mac))
    except (ValueError, RecursionError, binascii.Error) as error:  # UnicodeDecodeError is a ValueError
        raise _not_a_token("it is cut off or altered") from error


def checked_identity(text: str) -> DeviceId:
    """Read FLEET/ID that shall get a certificate. Raises UsageError when it cannot be one's name."""
    if len(text) > MAX_IDENTITY:
        raise UsageError(
            f"'{text}' is too long for a certificate",
            f"the name in a certificate has at most {MAX_IDENTITY} characters, the slash included",
        )
    return parse_device_id(text)


def _token(document: object) -> Token:
    if not isinstance(document, dict):
        raise ValueError("no object")  # noqa: TRY004 - parse_token turns ValueError into its own
    if document.get("v") != VERSION:
        raise UsageError("the token was made by a later edgeslm", "update edgeslm on this device")
    ends = document.get("ends")
    if not isinstance(ends, int) or isinstance(ends, bool):
        raise ValueError("no end")  # noqa: TRY004 - as above
    device, desk, broker, authority, nonce = (
        _text(document, name) for name in ("device", "desk", "broker", "authority", "nonce")
    )
    token = Token(device, desk, broker, authority, nonce, ends)
    if urlsplit(token.desk).scheme != "https" or urlsplit(token.broker).scheme != "mqtts":
        raise ValueError("an address without TLS")
    checked_identity(token.device)
    return token


def _text(document: Mapping[str, object], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value or not value.isprintable():
        raise ValueError(name)
    return value


def _not_a_token(what: str) -> UsageError:
    return UsageError(
        f"that token cannot be read: {what}", "copy it whole; `edgeslm fleet enroll FLEET/ID` makes another"
    )


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
