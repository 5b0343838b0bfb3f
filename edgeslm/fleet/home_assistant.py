"""Devices in Home Assistant: what its MQTT discovery wants to read. Pure; no I/O.

Telemetry comes in batches, often compressed, which Home Assistant does not read; so the latest figures are published
again as one plain JSON object a device, retained. Whether a device is there it reads from the device's own status.
Source: https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeslm_agent.contract.figures import FIGURES
from edgeslm_agent.contract.topics import parse_device_id
from edgeslm_agent.link.transport import Outgoing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edgeslm.fleet.view import DeviceView

PREFIX = "homeassistant"  # its default; an installation may have another
STATE = "edgeslm-home-assistant"


@dataclass(frozen=True)
class Sensor:
    """How a figure appears: its name for people, unit, and Home Assistant's device class ('' without one)."""

    name: str
    unit: str = ""
    device_class: str = ""
    binary: bool = False


SENSORS = {
    "decode_tps": Sensor("Writing speed", "tokens/s"),
    "first_token_s": Sensor("First token", "s", "duration"),
    "decode_drift": Sensor("Speed against claim"),
    "queue_depth": Sensor("Commands waiting"),
    "requests": Sensor("Commands"),
    "failures": Sensor("Failures"),
    "rss_bytes": Sensor("Memory of the agent", "B", "data_size"),
    "cpu_percent": Sensor("Processor", "%"),
    "temperature_c": Sensor("Temperature", "°C", "temperature"),
    "power_w": Sensor("Power", "W", "power"),
    "energy_per_token_j": Sensor("Energy per token", "J", "energy"),
    "throttled": Sensor("Throttled", device_class="problem", binary=True),
    "under_voltage": Sensor("Under-voltage", device_class="problem", binary=True),
}
assert SENSORS.keys() <= FIGURES.keys()


class Mirror:
    """Remembers what was published, so that only what changed is published again."""

    def __init__(self, prefix: str = PREFIX) -> None:
        self._prefix = prefix
        self._published: dict[str, bytes] = {}

    def changes(self, rows: Iterable[DeviceView]) -> list[Outgoing]:
        """Return the retained messages by which Home Assistant learns what is new, discovery before state."""
        fresh = [message for row in rows for message in messages(row, self._prefix)]
        news = [message for message in fresh if self._published.get(message.topic) != message.payload]
        self._published.update((message.topic, message.payload) for message in news)
        return news

    def forget(self) -> None:
        """Publish everything again, as for a broker that was restarted without what it retained."""
        self._published.clear()


def messages(row: DeviceView, prefix: str = PREFIX) -> list[Outgoing]:
    """Return discovery and state of one device. A figure it does not report gets no sensor."""
    known = {name: sensor for name, sensor in SENSORS.items() if name in row.figures}
    found = [_discovery(row, name, sensor, prefix) for name, sensor in known.items()]
    state = {name: row.figures[name] for name in known}
    return [*found, _retained(_state_topic(row), state)] if known else []


def _discovery(row: DeviceView, name: str, sensor: Sensor, prefix: str) -> Outgoing:
    who = parse_device_id(row.device)
    slug = _slug(row)
    body = {
        "name": sensor.name,
        "unique_id": f"{slug}_{name}",
        "state_topic": _state_topic(row),
        "value_template": f"{{{{ value_json.{name} }}}}",
        "availability_topic": who.topic("status"),
        "availability_template": "{{ value_json.state }}",
        "device": _device(row, slug),
    }
    if sensor.device_class:
        body["device_class"] = sensor.device_class
    if sensor.binary:
        body |= {"value_template": f"{{{{ 'ON' if value_json.{name} else 'OFF' }}}}"}
    else:
        body |= {"state_class": "measurement"} if sensor.device_class != "energy" else {}
        body |= {"unit_of_measurement": sensor.unit} if sensor.unit else {}
    kind = "binary_sensor" if sensor.binary else "sensor"
    return _retained(f"{prefix}/{kind}/{slug}/{name}/config", body)


def _device(row: DeviceView, slug: str) -> dict[str, object]:
    device: dict[str, object] = {"identifiers": [slug], "name": row.device, "manufacturer": "edgeslm"}
    facts = {"model": row.board, "sw_version": row.agent, "hw_version": row.profile}
    return device | {name: fact for name, fact in facts.items() if fact}


def _slug(row: DeviceView) -> str:
    """Return a name of letters, digits, `_` and `-`, of which no other device has the same.

    Names may hold dots, which a discovery topic may not; a dot becomes `_2E`, and a `_` is doubled.
    """
    who = parse_device_id(row.device)
    return "edgeslm-" + "-_-".join(part.replace("_", "__").replace(".", "_2E") for part in (who.fleet, who.device))


def _state_topic(row: DeviceView) -> str:
    return f"{STATE}/{row.device}"


def _retained(topic: str, body: object) -> Outgoing:
    return Outgoing(topic, json.dumps(body, sort_keys=True, ensure_ascii=False).encode(), retain=True)
