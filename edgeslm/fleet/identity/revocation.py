"""Taking certificates back: in the ledger, in the lists the broker reads, and on the connections that stand.

A broker looks at its list when somebody connects. Who is connected already is thrown out the way MQTT has for it:
another client takes over its id. On the devices' listener the id is the certificate's name, and an operator may use it.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeslm.fleet.client import connect
from edgeslm.fleet.identity import mosquitto
from edgeslm.fleet.identity.authority import write_revocations
from edgeslm.fleet.identity.ledger import open_ledger
from edgeslm.fleet.identity.rights import ROLES
from edgeslm_agent.errors import ConfigError, LinkError, UsageError
from edgeslm_agent.link.address import parse_address
from edgeslm_agent.link.endpoint import Endpoint
from edgeslm_agent.link.mqtt import MqttTransport
from edgeslm_agent.link.transport import SessionOptions

if TYPE_CHECKING:
    from edgeslm.fleet.identity.authority import Authority

_CONNECT_S = 10.0


@dataclass(frozen=True)
class Revoked:
    """What was taken back, and whether the broker knows: `reloaded` its list, `disconnected` who was there."""

    serials: tuple[str, ...]
    tokens: int
    reloaded: bool
    disconnected: bool


def revoke(authority: Authority, name: str, *, serial: str | None = None, now: float | None = None) -> Revoked:
    """Take back the certificates of FLEET/ID or of a role, or one of them, and its tokens; tell the broker.

    Raises UsageError when there is nothing to take back.
    """
    moment = time.time() if now is None else now
    with open_ledger(authority.ledger) as ledger:
        held = [one.certificate.serial for one in ledger.held_by(name, moment)]
        serials = tuple(one for one in held if serial in (None, one))
        tokens = ledger.void_tokens(name) if serial is None else 0
        # what was revoked before is told to the broker again: the last time may have been interrupted
        before = [one for one in ledger.revoked(moment) if one.certificate.name == name]
        if not serials and not tokens and not before:
            raise UsageError(f"{name} holds no such certificate", "it ended, or never was; mind the spelling")
        for one in serials:
            ledger.revoke(one, moment)
    publish(authority, moment)
    reloaded = mosquitto.reload(authority.broker) and mosquitto.has_reloaded(authority.settings.operator_port)
    return Revoked(serials, tokens, reloaded, reloaded and name not in ROLES and _throw_out(authority, name))


def publish(authority: Authority, now: float) -> None:
    """Write the revocation lists from the ledger; repeating it does no harm."""
    with open_ledger(authority.ledger) as ledger:
        lists: dict[str, list[tuple[str, int]]] = {"fleet": [], "devices": []}
        for entry in ledger.revoked(now):
            signer = "fleet" if entry.certificate.name in ROLES else "devices"
            lists[signer].append((entry.certificate.serial, entry.revoked or 0))
        write_revocations(authority, lists, now)  # within the transaction: two at a time must not undo each other


def _throw_out(authority: Authority, name: str) -> bool:
    """Take over the device's client id; it cannot come back."""
    try:
        address = parse_address(authority.operator_url, authority.folder / "operator")
        with contextlib.closing(Endpoint(MqttTransport(address), SessionOptions(name))) as endpoint:
            connect(endpoint, _CONNECT_S)
    except (LinkError, ConfigError):  # the folder may have been given to the operator
        return False
    return True
