"""Devices as a person names them."""

from __future__ import annotations

import pytest

from edgeslm.fleet.devices import parse_devices
from edgeslm_agent.contract.topics import DeviceId
from edgeslm_agent.errors import UsageError

EVERY = [DeviceId("home", "pi-1"), DeviceId("home", "pi-22"), DeviceId("home", "nano"), DeviceId("plant", "pi-1")]


@pytest.mark.parametrize(
    ("texts", "covered", "topic"),
    [
        ([], [0, 1, 2, 3], "+/+"),
        (["home"], [0, 1, 2], "home/+"),
        (["home/pi-1"], [0], "home/pi-1"),
        (["home/pi-*"], [0, 1], "home/+"),
        (["*/pi-?"], [0, 3], "+/+"),
        (["*/pi-1"], [0, 3], "+/pi-1"),
        (["home/nano", "home/pi-1"], [0, 2], "home/+"),
        (["home/nano", "plant"], [2, 3], "+/+"),
        (["h*"], [0, 1, 2], "+/+"),
    ],
)
def test_names_and_patterns(texts: list[str], covered: list[int], topic: str) -> None:
    devices = parse_devices(texts)
    assert [number for number, device in enumerate(EVERY) if devices.covers(device)] == covered
    assert devices.filter("status") == f"edgeslm/v1/{topic}/status"
    assert str(devices)


@pytest.mark.parametrize("text", ["", "/", "a/", "/b", "a/b/c", "a b", "#", "+/x", "[a]/b", "x" * 65, "\n"])
def test_what_no_device_can_be_called_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="FLEET/ID"):
        parse_devices([text])
