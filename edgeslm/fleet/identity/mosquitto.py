"""Mosquitto's configuration for a fleet: two TLS listeners, one for devices and one for the operator's side.

Two, because a device's client id is tied to its certificate, so that none can throw another out or take its session,
while an operator may look through several windows with one certificate. Each listener believes one authority.
"""

from __future__ import annotations

import os
import signal
import socket
import ssl
from pathlib import Path

from edgeslm_agent.contract.codec import MAX_WIRE_BYTES

_HEADER_BYTES = 1024  # of topic and properties beside a payload
_MEMORY_BYTES = 256 * 2**20
_ANSWER_S = 10.0


def configuration(folder: Path, *, port: int, operator_port: int, user: str) -> str:
    """Return mosquitto.conf for the broker's folder. `user` owns it: the broker reads its key again at each SIGHUP."""
    return f"""# written by `edgeslm fleet init`; run it again to change ports or host names
user {user}
pid_file {folder / "mosquitto.pid"}
allow_anonymous false
acl_file {folder / "acl"}
set_tcp_nodelay true

# retained messages survive; samples need not, devices keep them until the collector has them
persistence true
persistence_location {folder / "state"}/
autosave_interval 60

# PROTOCOL.md P3; a collector that is away has a queue as long as the memory allows
max_packet_size {MAX_WIRE_BYTES + _HEADER_BYTES}
max_queued_messages 0
memory_limit {_MEMORY_BYTES}

# devices
listener {port}
{_tls(folder, "devices")}use_username_as_clientid true

# operators, collectors, viewers
listener {operator_port}
{_tls(folder, "fleet")}"""


def reload(folder: Path) -> bool:
    """Tell the broker that runs on this folder to read its files again; False when none does here.

    It does so a moment later: see `has_reloaded`.
    """
    try:
        number = int((folder / "mosquitto.pid").read_text(encoding="ascii"))
        # the number may have gone to somebody else since
        if "mosquitto" not in Path(f"/proc/{number}/comm").read_text(encoding="utf-8"):
            return False
        os.kill(number, signal.SIGHUP)
    except (OSError, ValueError):
        return False
    return True


def has_reloaded(port: int) -> bool:
    """Wait until the broker here, which listens on `port`, has read its files again; False when it does not answer.

    Mosquitto looks for signals at the end of every round of its loop and needs more than one round for a handshake, so
    one that began after the signal ends after the reading. Certificates do not matter here, theirs or ours: nothing is
    said, and the broker ends it for want of one.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with socket.create_connection(("127.0.0.1", port), _ANSWER_S) as plain, context.wrap_socket(plain) as secured:
            secured.recv(1)
    except ssl.SSLError:
        return True
    except OSError:
        return False
    return True


def _tls(folder: Path, authority: str) -> str:
    return f"""certfile {folder / "broker.pem"}
keyfile {folder / "broker.pem"}
cafile {folder / f"{authority}.pem"}
crlfile {folder / f"{authority}.crl"}
require_certificate true
use_identity_as_username true
"""
