"""What Home Assistant is told, held against what its discovery asks for."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeslm.fleet.home_assistant import SENSORS, Mirror, messages
from edgeslm.fleet.view import DeviceView, fleet_view
from support.sightings import STATUS, seen

# Source: the format of a discovery topic, https://www.home-assistant.io/integrations/mqtt/#discovery-topic
DISCOVERY = re.compile(r"homeassistant/(sensor|binary_sensor)/[a-zA-Z0-9_-]+/[a-zA-Z0-9_-]+/config")


def row(name: str = "a", **figures: float) -> DeviceView:
    (found,) = fleet_view([seen(name, 1.0, STATUS, **figures)])
    return found


def test_every_figure_reported_becomes_a_sensor_that_finds_it() -> None:
    *configs, state = messages(row(temperature_c=41.5, throttled=0.0, made_up=1.0))
    assert all(message.retain and DISCOVERY.fullmatch(message.topic) for message in configs)
    assert json.loads(state.payload) == {"temperature_c": 41.5, "throttled": 0.0}
    heat, throttled = (json.loads(message.payload) for message in configs)
    assert heat["state_topic"] == state.topic
    assert heat["value_template"] == "{{ value_json.temperature_c }}"
    assert (heat["device_class"], heat["unit_of_measurement"], heat["state_class"]) == (
        "temperature",
        "°C",
        "measurement",
    )
    assert heat["availability_topic"] == "edgeslm/v1/home/a/status"
    assert heat["device"] == throttled["device"]
    assert throttled["value_template"] == "{{ 'ON' if value_json.throttled else 'OFF' }}"
    assert "unit_of_measurement" not in throttled
    assert "state_class" not in throttled


def test_device_without_figures_is_not_shown() -> None:
    assert messages(row(made_up=1.0)) == []


def test_only_what_changed_is_published_again() -> None:
    mirror = Mirror()
    assert len(mirror.changes([row(temperature_c=41.0)])) == 2
    assert mirror.changes([row(temperature_c=41.0)]) == []
    (state,) = mirror.changes([row(temperature_c=42.0)])
    assert json.loads(state.payload) == {"temperature_c": 42.0}
    newer = fleet_view([seen("a", status=replace(STATUS, agent="9.9"), temperature_c=42.0)])
    assert [message.topic.endswith("/config") for message in mirror.changes(newer)] == [True]
    mirror.forget()
    assert len(mirror.changes(newer)) == 2


NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,6}", fullmatch=True)


@given(NAMES, NAMES)
def test_no_two_devices_share_a_topic(one: str, other: str) -> None:
    topics = [{message.topic for message in messages(row(name, temperature_c=1.0))} for name in (one, other)]
    assert (one == other) or not topics[0] & topics[1]
    assert all(DISCOVERY.fullmatch(topic) for topic in topics[0] if topic.startswith("homeassistant/"))


@pytest.mark.parametrize("name", SENSORS)
def test_sensors_have_units_that_their_class_allows(name: str) -> None:
    # Source: https://www.home-assistant.io/integrations/sensor/#device-class
    allowed = {"temperature": "°C", "power": "W", "energy": "J", "duration": "s", "data_size": "B", "problem": ""}
    sensor = SENSORS[name]
    assert sensor.unit == allowed.get(sensor.device_class, sensor.unit)
