"""One-time tokens: made for one device, good for one certificate and a bounded time, checked by their mac."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING

from edgeslm_agent.contract.enrolment import Token, checked_identity, parse_token, write_token
from edgeslm_agent.errors import Refused, UsageError
from edgeslm_agent.identity.enrolment import fingerprint

if TYPE_CHECKING:
    from edgeslm.fleet.identity.authority import Authority

DEFAULT_S = 3600.0
LONGEST_S = 7 * 86400.0
_PURPOSE = b"edgeslm token 1\0"  # the key may serve something else one day


def make_token(authority: Authority, device: str, now: float, lifetime_s: float = DEFAULT_S) -> tuple[Token, str]:
    """Return a new token for FLEET/ID and how it is written. Raises UsageError for the name or the lifetime."""
    if not 1.0 <= lifetime_s <= LONGEST_S:
        raise UsageError(f"a token cannot hold for {lifetime_s:g} s", f"give 1 s to {LONGEST_S / 86400:g} days")
    token = Token(
        device=str(checked_identity(device)),
        desk=authority.desk_url,
        broker=authority.broker_url,
        authority=fingerprint(authority.certificate()),
        nonce=secrets.token_hex(16),
        ends=int(now + lifetime_s),
    )
    return token, write_token(token, _mac(authority, token.payload()))


def check_token(authority: Authority, text: str, now: float) -> Token:
    """Return what a token says when it is ours and has not ended; whether it was used is in the ledger.

    Raises UsageError when it cannot be read, Refused when it is altered, foreign or ended.
    """
    signed = parse_token(text)
    hint = "ask the operator for a new one: edgeslm fleet enroll FLEET/ID"
    if not hmac.compare_digest(signed.mac, _mac(authority, signed.payload)):
        raise Refused("the token was altered, or made by another authority", hint)
    if signed.token.ends <= now:
        raise Refused("the token has ended", hint)
    if signed.token.ends > now + LONGEST_S:  # the desk's clock went back since it was made
        raise Refused("the token holds longer than any should", hint)
    return signed.token


def _mac(authority: Authority, payload: bytes) -> bytes:
    return hmac.new(authority.token_key(), _PURPOSE + payload, hashlib.sha256).digest()
