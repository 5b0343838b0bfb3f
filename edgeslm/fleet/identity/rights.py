"""Who may write and read which leaf, and the same as Mosquitto's ACL.

The broker takes the certificate's common name as the user name. A device's is FLEET/ID: `%u` of a pattern is replaced
as text, so it covers two levels of the topic, and one pattern a leaf serves every device there will ever be. A line
for each device would mean a new file and a reload at each enrolment. The names of people and programs at the
operator's side are roles without a slash; they get sections of their own.

Mosquitto 2.0 grants every subscription and holds messages back when it delivers them. Whoever joins a shared
subscription therefore makes the group lose its share, rights or not: the name of a group must be a secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeslm_agent.contract.topics import EVERYWHERE, ROOT

if TYPE_CHECKING:
    from edgeslm_agent.contract.topics import Leaf


@dataclass(frozen=True)
class Rights:
    """The leaves that one may write, and those one may read; `others` are topics outside the tree, for both."""

    write: tuple[Leaf, ...]
    read: tuple[Leaf, ...]
    others: tuple[str, ...] = ()


DEVICE = Rights(
    write=("status", "capability", "telemetry", "event", "log", "reported", "result"),
    read=("desired", "command", "ack"),
)
_REPORTS: tuple[Leaf, ...] = ("status", "capability", "telemetry", "event", "log", "reported")
ROLES = {
    # answers hold what people said to their device: only who asks may read them
    "operator": Rights(write=("desired", "command"), read=(*_REPORTS, "desired", "result")),
    "collector": Rights(write=("ack",), read=_REPORTS),
    "viewer": Rights(write=(), read=_REPORTS),
    # `edgeslm fleet home-assistant` writes there, and Home Assistant itself reads
    "home-assistant": Rights(
        write=(),
        read=("status", "capability", "telemetry"),
        others=("homeassistant/#", "edgeslm-home-assistant/#"),
    ),
}

FIRST_ROLES = ("operator", "collector", "viewer")  # whose credentials come with a new fleet; the others are granted


def acl() -> str:
    """Return Mosquitto's ACL file: the rights of every device by pattern, then those of each role."""
    lines = ["# written by `edgeslm fleet init`; what is not listed is refused"]
    lines += [f"pattern write {ROOT}/%u/{leaf}" for leaf in DEVICE.write]
    lines += [f"pattern read {ROOT}/%u/{leaf}" for leaf in DEVICE.read]
    for role, rights in ROLES.items():
        lines += ["", f"user {role}"]
        lines += [f"topic write {EVERYWHERE.filter(leaf)}" for leaf in rights.write]
        lines += [f"topic read {EVERYWHERE.filter(leaf)}" for leaf in rights.read]
        lines += [f"topic readwrite {topic}" for topic in rights.others]
    return "\n".join(lines) + "\n"
