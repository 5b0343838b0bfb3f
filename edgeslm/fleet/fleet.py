"""`Fleet`: a broker's devices as Python sees them. What the CLI's verbs do, without the printing."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from edgeslm.fleet.client import Client
from edgeslm.fleet.devices import parse_devices
from edgeslm.fleet.view import fleet_view
from edgeslm.fleet.watch import follow, look
from edgeslm_agent.contract.command import DEFAULT_TTL_S
from edgeslm_agent.link.address import parse_address
from edgeslm_agent.link.mqtt import MqttTransport

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from edgeslm.fleet.view import DeviceView
    from edgeslm.fleet.watch import Reading
    from edgeslm_agent.contract.command import Result


class Fleet:
    """The devices of one broker, by its URL and, where it asks for them, a folder of credentials.

    Nothing is connected until a method is called. All raise Unreachable, Refused or TimedOut when the broker or a
    device does not answer, and UsageError for names that cannot be.
    """

    def __init__(self, broker: str, credentials: str | Path | None = None) -> None:
        self._transport = MqttTransport(parse_address(broker, Path(credentials) if credentials else None))

    def ask(
        self, device: str, prompt: str, *, max_tokens: int | None = None, timeout_s: float = DEFAULT_TTL_S
    ) -> Result:
        """Let the device FLEET/ID answer a prompt."""
        with Client(self._transport, device) as client:
            return client.ask(prompt, max_tokens=max_tokens, timeout_s=timeout_s)

    def ping(self, device: str, *, timeout_s: float = DEFAULT_TTL_S) -> Result:
        """See whether a device answers."""
        with Client(self._transport, device) as client:
            return client.send("ping", timeout_s=timeout_s)

    def measure(self, device: str, *, timeout_s: float = 10 * DEFAULT_TTL_S) -> Mapping[str, float]:
        """Return the figures that the device measures with its own model."""
        with Client(self._transport, device) as client:
            return client.send("measure", timeout_s=timeout_s).figures

    def status(self, *devices: str, wait_s: float = 12.0) -> tuple[DeviceView, ...]:
        """Return one row a device, for all or those of FLEET, FLEET/ID or patterns such as `home/pi-*`.

        Listens until each of them that is online has reported.
        """
        sightings, listened_s = look(self._transport, parse_devices(devices), wait_s)
        return fleet_view(sightings.sightings(time.monotonic()), listened_s)

    def telemetry(self, *devices: str, for_s: float | None = None) -> Iterator[Reading]:
        """Yield samples as they come, each once, of all devices or those named as for `status`."""
        return follow(self._transport, parse_devices(devices), for_s)
