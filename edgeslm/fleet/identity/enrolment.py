"""Who gets a certificate: the bearer of a token, the holder of one that ends soon, or whom the operator signs by hand.

In all three the name is the authority's decision: the token's, the present certificate's, the operator's. A request
that asks for another is refused. The same key asking again gets the same certificate, which heals a lost answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm.fleet.identity.ledger import open_ledger
from edgeslm.fleet.identity.pki import certify, read_certificate, read_request
from edgeslm.fleet.identity.tokens import DEFAULT_S, check_token, make_token
from edgeslm_agent.contract.enrolment import checked_identity
from edgeslm_agent.errors import Refused

if TYPE_CHECKING:
    from edgeslm.fleet.identity.authority import Authority
    from edgeslm.fleet.identity.ledger import Ledger
    from edgeslm.fleet.identity.pki import Certificate, Request
    from edgeslm_agent.contract.enrolment import Token


def invite(authority: Authority, device: str, now: float, lifetime_s: float = DEFAULT_S) -> tuple[Token, str]:
    """Give a one-time token for FLEET/ID. Raises UsageError."""
    token, text = make_token(authority, device, now, lifetime_s)
    with open_ledger(authority.ledger) as ledger:
        ledger.add_token(token.nonce, token.device, token.ends, now)
    return token, text


def redeem(authority: Authority, text: str, request_pem: bytes, now: float) -> Certificate:
    """Exchange a token for a certificate.

    Raises Refused when the token is altered, ended, used or void, or the request is for another device; UsageError and
    ConfigError when either cannot be read.
    """
    token = check_token(authority, text, now)
    request = read_request(request_pem)
    _same_name(request, token.device)
    with open_ledger(authority.ledger) as ledger:
        given = ledger.token(token.nonce)
        if given is None:
            raise Refused("the token was taken back", "ask the operator for a new one")
        if given.serial is None:
            made = _certified(authority, ledger, request, now)
            ledger.use_token(token.nonce, made.serial)
            return made
        entry = ledger.entry(given.serial)
        if entry is None or entry.revoked is not None or entry.certificate.key != request.key:
            raise Refused("the token was used already", "a token is for one device and one time; ask for a new one")
        return entry.certificate


def renew(authority: Authority, presented: bytes, request_pem: bytes, now: float) -> Certificate:
    """Exchange a certificate (DER) that the TLS handshake proved for one with a new key.

    Raises Refused when it was revoked, is unknown, or more than half of its time is left (so that a device that goes
    wrong cannot fill the ledger).
    """
    request = read_request(request_pem)
    present = read_certificate(presented)
    _same_name(request, present.name)
    with open_ledger(authority.ledger) as ledger:
        entry = ledger.entry(present.serial)
        if entry is None or entry.revoked is not None:
            raise Refused("this certificate was revoked", "enrol again with a new token")
        held = ledger.held_by(present.name, now)
        if again := next((one.certificate for one in held if one.certificate.key == request.key), None):
            return again
        if present.ends - now > (present.ends - present.begins) / 2:
            raise Refused("this certificate need not be renewed yet", "enrol with a new token to replace it now")
        return _certified(authority, ledger, request, now)


def sign(authority: Authority, device: str, request_pem: bytes, now: float) -> Certificate:
    """Sign a request that was carried here for FLEET/ID. Raises UsageError, ConfigError, Refused."""
    request = read_request(request_pem)
    _same_name(request, str(checked_identity(device)))
    with open_ledger(authority.ledger) as ledger:
        return _certified(authority, ledger, request, now)


def _certified(authority: Authority, ledger: Ledger, request: Request, now: float) -> Certificate:
    made = certify(authority.signer("devices"), request, now)
    ledger.add(made)
    return made


def _same_name(request: Request, name: str) -> None:
    if request.name != name:
        raise Refused(f"the request is for {request.name[:100]!r}, not for {name}", "make the request on that device")
