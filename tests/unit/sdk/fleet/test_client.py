"""The operator's client and the watcher on an in-process broker."""

from __future__ import annotations

import threading

import pytest

from edgeslm.fleet.client import Client
from edgeslm.fleet.watch import follow, look
from edgeslm_agent.contract.topics import EVERYWHERE, parse_scope
from edgeslm_agent.errors import TimedOut, Unreachable, UsageError
from edgeslm_agent.link.memory import MemoryBroker
from edgeslm_agent.link.transport import Outgoing
from edgeslm_agent.serving.responder import Answer, Echo
from support.fleet import running_agent
from support.waiting import PATIENCE_S, eventually

pytestmark = pytest.mark.slow  # threads that talk over a broker


class Endless(Echo):
    """Answers when it is told to stop."""

    def __init__(self) -> None:
        self.stop = threading.Event()

    def answer(self, prompt: str, max_tokens: int | None) -> Answer:
        assert self.stop.wait(PATIENCE_S)
        return super().answer(prompt, max_tokens)


def test_unknown_device_is_named_in_the_error() -> None:
    broker = MemoryBroker()
    with Client(broker, "home/nowhere", presence_s=0.2) as client, pytest.raises(TimedOut, match="never been seen"):
        client.ask("hello")


def test_offline_device_is_said_to_be_offline() -> None:
    broker = MemoryBroker()
    with running_agent(broker):
        eventually(lambda: broker.retained)
    with Client(broker, "home/kitchen", presence_s=2.0) as client, pytest.raises(TimedOut, match="offline"):
        client.ask("hello")


def test_device_that_is_still_at_it_is_told_from_one_that_does_not_answer() -> None:
    broker = MemoryBroker()
    endless = Endless()
    accepted = threading.Event()
    with running_agent(broker, load=lambda: endless), Client(broker, "home/kitchen") as client:
        with pytest.raises(TimedOut, match="still at it"):
            client.send("generate", prompt="hello", timeout_s=3.0, on_accepted=accepted.set)
        assert accepted.is_set()
        endless.stop.set()
        assert client.ask("again").text == "again"


def test_no_broker_is_unreachable_at_once() -> None:
    broker = MemoryBroker()
    broker.stop()
    with pytest.raises(Unreachable):
        Client(broker, "home/kitchen")
    with pytest.raises(UsageError):
        Client(broker, "kitchen")


def test_look_ends_when_every_online_device_has_reported() -> None:
    broker = MemoryBroker()
    broker.publish(Outgoing("edgeslm/v1/home/liar/status", b"nonsense", retain=True))
    with running_agent(broker, "home/a"), running_agent(broker, "home/b"), running_agent(broker, "work/c"):
        eventually(lambda: {f"edgeslm/v1/home/{name}/status" for name in "ab"} <= set(broker.retained))
        sightings, listened_s = look(broker, parse_scope("home"), PATIENCE_S)
    assert listened_s < PATIENCE_S
    assert {str(one.device) for one in sightings.sightings(0.0)} == {"home/a", "home/b"}
    assert sightings.malformed == 1


def test_follow_shows_each_sample_once() -> None:
    broker = MemoryBroker()
    with running_agent(broker, "home/a", interval_s=0.02):
        readings = []
        for reading in follow(broker, EVERYWHERE, for_s=PATIENCE_S):
            readings.append(reading)
            if len(readings) == 20:
                break
    keys = [(reading.boot, reading.sample.seq) for reading in readings]
    assert len(set(keys)) == 20
