"""Lets a device measure the model it runs, and notes what else can be known of it: which bundle, which runtime."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeslm_agent.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgeslm.fleet.client import Client


@dataclass(frozen=True)
class Reported:
    """What a device said: figures in the units of PROTOCOL.md, and what it ran before and after it took them.

    `runtimes` are the packages installed there with their versions, as far as it knows them.
    """

    device: str
    bundle: str
    bundle_after: str | None
    boot: str
    boot_after: str
    profile: str | None
    runtimes: Mapping[str, str]
    figures: Mapping[str, float]


def measured_by(client: Client, timeout_s: float) -> Reported:
    """Let the device measure what it runs.

    Raises TimedOut when it is offline or does not answer in time, Refused when it answers that it cannot.
    """
    before = client.presence()
    result = client.send("measure", timeout_s=timeout_s)
    if result.state == "failed":
        raise Refused(f"{client.device} did not measure: {result.error}", "`edgeslm fleet status` shows its state")
    after = client.presence()
    return Reported(
        device=str(client.device),
        bundle=before.bundle or "",
        bundle_after=after.bundle,
        boot=before.boot,
        boot_after=after.boot,
        profile=after.profile,
        runtimes={} if client.capability is None else client.capability.runtimes,
        figures=result.figures,
    )
