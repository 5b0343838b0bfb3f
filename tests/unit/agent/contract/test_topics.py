"""Topics and the names of devices."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeslm_agent.contract.topics import (
    EVERYWHERE,
    LEAVES,
    DeviceId,
    Leaf,
    Scope,
    Topic,
    parse_device_id,
    parse_scope,
    parse_topic,
)
from edgeslm_agent.errors import UsageError
from edgeslm_agent.link.memory import matches

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)


@given(names, names, st.sampled_from(LEAVES))
def test_topic_comes_apart_as_it_was_put_together(fleet: str, device: str, leaf: Leaf) -> None:
    owner = DeviceId(fleet, device)
    assert parse_topic(owner.topic(leaf)) == Topic(owner, leaf)
    assert parse_device_id(str(owner)) == owner


@given(st.text(max_size=80))
def test_any_text_is_a_topic_of_ours_or_none(text: str) -> None:
    topic = parse_topic(text)
    assert topic is None or topic.owner.topic(topic.leaf) == text


@pytest.mark.parametrize(
    "topic",
    [
        "edgeslm/v1/home/kitchen",
        "edgeslm/v1/home/kitchen/status/more",
        "edgeslm/v2/home/kitchen/status",
        "edgeslm/v1/home/kitchen/secrets",
        "edgeslm/v1/home//status",
        "edgeslm/v1/../kitchen/status",
        "edgeslm/v1/home/+/status",
        "edgeslm/v1/home/kit chen/status",
        f"edgeslm/v1/home/{'k' * 65}/status",
        "/edgeslm/v1/home/kitchen/status",
        "",
    ],
)
def test_foreign_topic_is_none(topic: str) -> None:
    assert parse_topic(topic) is None


@pytest.mark.parametrize("text", ["home", "home/", "/kitchen", "home/a/b", "home/#", "home/kitchen\n", "hö/me"])
def test_bad_device_is_a_usage_error_with_an_example(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_device_id(text)
    assert "home/kitchen" in caught.value.hint


def test_scope_covers_what_its_filter_matches() -> None:
    kitchen, garage = DeviceId("home", "kitchen"), DeviceId("work", "garage")
    for text, covered in ((None, True), ("home", True), ("home/kitchen", True), ("work", False), ("home/hall", False)):
        scope = parse_scope(text)
        assert scope.covers(kitchen) is covered
        assert matches(scope.filter("status"), kitchen.topic("status")) is covered
    assert parse_scope("") == EVERYWHERE
    assert str(EVERYWHERE) == "all fleets"
    assert str(Scope("home")) == "home"
    assert not Scope("home").covers(garage)
    with pytest.raises(UsageError):
        parse_scope("ho me")
