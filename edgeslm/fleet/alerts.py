"""Alerts: the flags that somebody wants to be woken for, and which of them are new or over. Pure; no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from edgeslm.fleet.flags import ALERTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edgeslm.fleet.flags import FlagName
    from edgeslm.fleet.view import DeviceView


@dataclass(frozen=True)
class Alert:
    """What is wrong with a device, and why we think so."""

    device: str
    name: FlagName
    reason: str


@dataclass(frozen=True)
class Change:
    """An alert that began or ended; the reason of an ended one is the last that was known."""

    state: Literal["raised", "cleared"]
    alert: Alert


def alerts(rows: Iterable[DeviceView]) -> tuple[Alert, ...]:
    """Return the alerts of all rows, device by device."""
    return tuple(Alert(row.device, flag.name, flag.reason) for row in rows for flag in row.flags if flag.name in ALERTS)


def changes(before: Iterable[Alert], now: Iterable[Alert]) -> tuple[Change, ...]:
    """Return what was raised and what was cleared; an alert whose reason reads otherwise than before is the same."""
    old = {(alert.device, alert.name): alert for alert in before}
    new = {(alert.device, alert.name): alert for alert in now}
    raised = [Change("raised", alert) for key, alert in new.items() if key not in old]
    return (*raised, *(Change("cleared", alert) for key, alert in old.items() if key not in new))
