"""Watching a broker: what a viewer knows, and what it does not say when it is deaf."""

from __future__ import annotations

import pytest

from edgeslm.fleet.devices import parse_devices
from edgeslm.fleet.watch import follow, glances
from edgeslm_agent.link.memory import MemoryBroker
from support.fleet import running_agent

pytestmark = pytest.mark.slow  # threads that talk over a broker


def test_viewer_that_lost_its_link_begins_again() -> None:
    broker = MemoryBroker()
    listened = []
    with running_agent(broker, "home/a"):
        for heard, listened_s in glances(broker, parse_devices(["home"]), 0.3, 60.0):
            assert [str(one.device) for one in heard.sightings(0.0)] == ["home/a"]
            listened.append(listened_s)
            if len(listened) == 3:
                (viewer,) = [name for name in broker._sessions if name.startswith("edgeslm-view-")]
                broker.cut(viewer)
            if len(listened) == 4:
                break
    assert listened[0] < listened[1] < listened[2]
    assert listened[3] < listened[2]


def test_followed_samples_know_their_device() -> None:
    broker = MemoryBroker()
    with running_agent(broker, "home/a"), running_agent(broker, "home/b"):
        seen = []
        for reading in follow(broker, parse_devices(["*/b"]), 60.0):
            seen.append(reading)
            if len(seen) == 3:
                break
    assert {str(one.device) for one in seen} == {"home/b"}
    assert all(one.status and one.status.boot == one.boot and one.capability for one in seen)
    assert len({one.sample.seq for one in seen}) == 3
