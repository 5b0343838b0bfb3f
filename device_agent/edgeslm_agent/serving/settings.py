"""What a device makes of the orders that come on `desired`: a pure decision with its reasons.

Versions only grow, so that an old order that arrives late changes nothing. An order that cannot be used whole is not
used at all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from edgeslm_agent.contract.desired import Desired, Reported, Reporting, wrong


@dataclass(frozen=True)
class Settings:
    """How the device reports now: `own` as it was started, `order` on top of it (None: nobody ordered anything).

    `refused` is the last order that was not applied: retained, it comes again with every connection.
    """

    own: Reporting
    order: Desired | None = None
    refused: Desired | None = None

    @property
    def reporting(self) -> Reporting:
        """What is in force."""
        return replace(self.own, **self.order.telemetry) if self.order else self.own

    @property
    def version(self) -> int:
        """The version in force, 0 without an order."""
        return self.order.version if self.order else 0

    def reported(self, boot: str) -> Reported:
        """Return what to report unasked."""
        return Reported(boot, self.version, "applied", self.version, self.reporting)


@dataclass(frozen=True)
class Decision:
    """The settings after an order, what to report, and whether this is news."""

    settings: Settings
    reported: Reported
    news: bool


def decide(settings: Settings, order: Desired, boot: str) -> Decision:
    """Apply an order or refuse it."""
    if order == settings.order:
        return Decision(settings, settings.reported(boot), news=False)
    problems = _problems(settings, order)
    if problems:
        reported = Reported(boot, order.version, "refused", settings.version, settings.reporting, problems)
        return Decision(replace(settings, refused=order), reported, news=order != settings.refused)
    after = replace(settings, order=order)
    return Decision(after, after.reported(boot), news=True)


def _problems(settings: Settings, order: Desired) -> tuple[str, ...]:
    if order.version < settings.version:
        return (f"version {order.version} is older than {settings.version}",)
    if order.version == settings.version:
        return (f"version {order.version} said something else before",)
    return wrong(order.telemetry)
