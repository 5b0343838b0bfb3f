"""Every message: round trip, bounds, and documents of arbitrary shape."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Protocol

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeslm_agent.contract.codec import Malformed, decode
from edgeslm_agent.contract.command import Command, Result, parse_command, parse_result
from edgeslm_agent.contract.status import Capability, Status, parse_capability, parse_status
from edgeslm_agent.contract.telemetry import (
    MAX_FIGURES,
    MAX_RANGES,
    MAX_RECORDS,
    Ack,
    Event,
    Events,
    Sample,
    Telemetry,
    parse_ack,
    parse_events,
    parse_telemetry,
    split_ranges,
)

if TYPE_CHECKING:
    from collections.abc import Callable


class Message(Protocol):
    def payload(self) -> bytes: ...


PARSERS: list[Callable[[bytes], object]] = [
    parse_command, parse_result, parse_status, parse_capability, parse_telemetry, parse_events, parse_ack,
]  # fmt: skip
STATUS = Status("online", "b0", 3, 1700000000.5, "0.1.0", "ready", 10.0, "id", "home", "home_fp32", "raspberry-pi-5")
CAPABILITY = Capability(
    "a board", "a cpu", 4, 2**32, "linux", "3.11", ("ping",), {"onnxruntime": "1.20"}, {"power_w": "INA3221 VDD_IN"}
)
KEYS = st.sampled_from(
    ["v", "id", "op", "prompt", "max_tokens", "ttl_s", "state", "text", "error", "figures", "embedding", "boot",
     "samples", "seq", "t", "dropped", "events", "kind", "level", "detail", "ranges", "session", "agent", "model_state",
     "interval_s", "runtimes", "operations", "cores", "board", "cpu", "memory_bytes", "system", "python", "sensors"]
)  # fmt: skip
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["generate", "online", "ready", "info", "done"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def payload(**fields: object) -> bytes:
    return json.dumps({"v": 1, **fields}).encode()


@pytest.mark.parametrize(
    ("message", "parse"),
    [
        (Command("1", "generate", "turn on", 5, 3.0), parse_command),
        (Command("1", "ping"), parse_command),
        (Result("1", "accepted"), parse_result),
        (Result("1", "done", "text", None, {"decode_tps": 9.5}), parse_result),
        (Result("1", "failed", error="no"), parse_result),
        (Result("1", "done", embedding=(0.5, -1.0, 2e-7)), parse_result),
        (Command("1", "embed", "a text"), parse_command),
        (STATUS, parse_status),
        (CAPABILITY, parse_capability),
        (Telemetry("b0", (Sample(1, 2.0, {"cpu_percent": 5}),), ((3, 4),)), parse_telemetry),
        (Events("b0", (Event(1, 2.0, "started", "info", "x"),)), parse_events),
        (Ack("b0", ((1, 2), (5, 5))), parse_ack),
    ],
)
def test_message_comes_back(message: Message, parse: Callable[[bytes], object]) -> None:
    assert parse(message.payload()) == message


@settings(max_examples=150)
@given(st.dictionaries(KEYS, VALUES, max_size=10), st.sampled_from(PARSERS))
def test_document_of_any_shape_is_a_message_or_malformed(
    document: dict[str, object], parse: Callable[[bytes], object]
) -> None:
    with contextlib.suppress(Malformed):
        parse(json.dumps({**document, "v": 1}).encode())


@pytest.mark.parametrize(
    ("parse", "fields"),
    [
        (parse_command, {"op": "ping"}),
        (parse_command, {"id": "", "op": "ping"}),
        (parse_command, {"id": "x" * 129, "op": "ping"}),
        (parse_command, {"id": "a\nb", "op": "ping"}),
        (parse_command, {"id": "1", "op": "reboot"}),
        (parse_command, {"id": "1", "op": "generate", "prompt": 5}),
        (parse_command, {"id": "1", "op": "generate", "prompt": "x" * 32769}),
        (parse_command, {"id": "1", "op": "generate", "max_tokens": 0}),
        (parse_command, {"id": "1", "op": "generate", "max_tokens": True}),
        (parse_command, {"id": "1", "op": "generate", "ttl_s": -1}),
        (parse_command, {"id": "1", "op": "generate", "ttl_s": 1e9}),
        (parse_result, {"id": "1", "state": "maybe"}),
        (parse_result, {"id": "1", "state": "done", "text": ["x"]}),
        (parse_result, {"id": "1", "state": "done", "figures": [1]}),
        (parse_result, {"id": "1", "state": "done", "embedding": {}}),
        (parse_result, {"id": "1", "state": "done", "embedding": ["1"]}),
        (parse_result, {"id": "1", "state": "done", "embedding": [True]}),
        (parse_result, {"id": "1", "state": "done", "embedding": [0.5] * 8193}),
        (parse_status, {"state": "online"}),
        (parse_telemetry, {"samples": []}),
        (parse_telemetry, {"boot": "b", "samples": {}}),
        (parse_telemetry, {"boot": "b", "samples": [5]}),
        (parse_telemetry, {"boot": "b", "samples": [{"t": 1}]}),
        (parse_telemetry, {"boot": "b", "samples": [{"seq": -1, "t": 1}]}),
        (parse_telemetry, {"boot": "b", "samples": [{"seq": 1.0, "t": 1}]}),
        (parse_telemetry, {"boot": "b", "samples": [{"seq": 1, "t": 1}] * (MAX_RECORDS + 1)}),
        (
            parse_telemetry,
            {"boot": "b", "samples": [{"seq": 1, "t": 1, **{f"f{i}": i for i in range(MAX_FIGURES + 1)}}]},
        ),
        (parse_telemetry, {"boot": "b", "dropped": [[2, 1]]}),
        (parse_events, {"boot": "b", "events": [{"seq": 1, "t": 1, "kind": "x", "level": "loud"}]}),
        (
            parse_events,
            {"boot": "b", "events": [{"seq": 1, "t": 1, "kind": "x", "level": "info", "detail": "\x1b[2J"}]},
        ),
        (parse_ack, {"boot": "b", "ranges": [[1]]}),
        (parse_ack, {"boot": "b", "ranges": [[1, True]]}),
        (parse_ack, {"boot": "b", "ranges": [[-1, 5]]}),
        (parse_ack, {"boot": "b", "ranges": [[0, 1]] * (MAX_RANGES + 1)}),
        (parse_capability, {"board": "b"}),
    ],
)
def test_message_out_of_bounds_is_malformed(parse: Callable[[bytes], object], fields: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        parse(payload(**fields))


def test_sample_keeps_numbers_only() -> None:
    item = {
        "seq": 1,
        "t": 1,
        "cpu_percent": 5,
        "prompt": "secret",
        "on": True,
        "nothing": None,
        "Bad Name": 3,
        "nested": {},
    }
    telemetry = parse_telemetry(payload(boot="b", samples=[item]))
    assert telemetry.samples[0].figures == {"cpu_percent": 5}


def test_unknown_fields_are_ignored() -> None:
    assert parse_command(payload(id="1", op="ping", later={"a": [1]})) == Command("1", "ping")


def test_many_ranges_become_several_acks() -> None:
    ranges = [(number, number) for number in range(0, 5000, 2)]
    acks = split_ranges("b", ranges)
    assert [parse_ack(ack.payload()) for ack in acks] == acks
    assert [one for ack in acks for one in ack.ranges] == ranges


def test_capability_of_an_older_agent_names_no_sensors() -> None:
    facts = decode(CAPABILITY.payload())
    del facts["sensors"]
    assert parse_capability(payload(**facts)).sensors == {}


@pytest.mark.parametrize("sensors", [[], "x", {"power_w": 1}, {"power_w": "\n"}, {f"f{n}": "x" for n in range(33)}])
def test_bad_sensors_are_malformed(sensors: object) -> None:
    with pytest.raises(Malformed):
        parse_capability(payload(**{**decode(CAPABILITY.payload()), "sensors": sensors}))
