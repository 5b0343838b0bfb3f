"""The manifest's one JSON form: what is written is read back, and nothing else is accepted."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeslm_agent.contract.manifest import (
    FORMAT_VERSION,
    ChatFormat,
    DecoderShape,
    EncoderManifest,
    FileEntry,
    Limits,
    Manifest,
    ModelSource,
    Probe,
    RuntimeRequirement,
    Task,
    parse_manifest,
)
from edgeslm_agent.errors import Corrupt, TooNew
from support.toy_encoder import toy_encoder_manifest
from support.toy_graph import toy_manifest

TEXT = st.text(max_size=20)
POSITIVE = st.integers(1, 2**31 - 1)
TOKENS = st.lists(st.integers(0, 2**31 - 1), max_size=6).map(tuple)
SOME_TOKENS = st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=6).map(tuple)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner)
)


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    context = draw(POSITIVE)
    return Manifest(
        variant=draw(TEXT),
        recipe=draw(TEXT),
        format=draw(TEXT),
        context=context,
        model=draw(st.builds(ModelSource, TEXT, TEXT, TEXT, TEXT, TEXT, st.integers(0))),
        runtime=draw(st.builds(RuntimeRequirement, TEXT, TEXT)),
        decoder=draw(
            st.builds(
                DecoderShape,
                *(TEXT, POSITIVE, POSITIVE, POSITIVE, POSITIVE),
                st.just(context),
                st.booleans(),
                st.sampled_from((32, 8)),
            )
        ),
        tokenizer=draw(TEXT),
        bos_token_id=draw(st.none() | st.integers(0)),
        stop_token_ids=draw(TOKENS),
        chat=draw(st.none() | st.builds(ChatFormat, TEXT, st.booleans(), st.booleans(), st.booleans())),
        limits=draw(st.builds(Limits, POSITIVE, POSITIVE)),
        probe=draw(st.builds(Probe, SOME_TOKENS, SOME_TOKENS)),
        files=draw(st.lists(st.builds(FileEntry, TEXT, st.integers(0), TEXT), max_size=3).map(tuple)),
        tools=draw(st.dictionaries(TEXT, TEXT, max_size=3)),
    )


@settings(max_examples=30)  # of some forty values each
@given(manifests())
def test_what_is_written_is_read_back(manifest: Manifest) -> None:
    assert parse_manifest(manifest.to_bytes()) == manifest


@settings(max_examples=30)  # of some forty values each
@given(manifests())
def test_equal_manifests_have_equal_bytes_and_id(manifest: Manifest) -> None:
    again = parse_manifest(manifest.to_bytes())
    assert (again.to_bytes(), again.bundle_id) == (manifest.to_bytes(), manifest.bundle_id)


@given(st.binary(max_size=200))
def test_any_other_bytes_are_refused_with_our_error(data: bytes) -> None:
    with pytest.raises((Corrupt, TooNew)):
        parse_manifest(data)


@given(JSON)
def test_any_other_json_under_a_key_is_refused_or_of_the_right_type(value: object) -> None:
    document = _document() | {"decoder": value}
    with pytest.raises(Corrupt):
        parse_manifest(json.dumps(document).encode())


@pytest.mark.parametrize("key", sorted(json.loads(toy_manifest().to_bytes())))
def test_a_missing_key_is_named(key: str) -> None:
    document = _document()
    del document[key]
    with pytest.raises(Corrupt, match=key):
        parse_manifest(json.dumps(document).encode())


@pytest.mark.parametrize("key", sorted(set(json.loads(toy_manifest().to_bytes())) - {"format_version"}))
def test_a_value_of_another_type_is_refused_by_name(key: str) -> None:
    with pytest.raises(Corrupt, match=key):
        parse_manifest(json.dumps(_document() | {key: 1.5}).encode())


def test_unknown_keys_are_ignored_at_every_level() -> None:
    document = _document() | {"colour": "blue"}
    document["model"]["colour"] = "red"
    assert parse_manifest(json.dumps(document).encode()) == toy_manifest()


def test_a_later_format_is_too_new() -> None:
    with pytest.raises(TooNew, match=f"format {FORMAT_VERSION + 1}"):
        parse_manifest(json.dumps({"format_version": FORMAT_VERSION + 1, "anything": []}).encode())


@pytest.mark.parametrize("version", [0, -1, True, "1", None, 1.0])
def test_a_format_version_that_is_no_positive_integer_is_corrupt(version: object) -> None:
    with pytest.raises(Corrupt, match="format_version"):
        parse_manifest(json.dumps(_document() | {"format_version": version}).encode())


def test_a_true_where_a_number_belongs_is_refused() -> None:
    with pytest.raises(Corrupt, match="context is not int"):
        parse_manifest(json.dumps(_document() | {"context": True}).encode())


def test_deep_nesting_is_corrupt_and_not_a_crash() -> None:
    with pytest.raises(Corrupt, match="not JSON"):
        parse_manifest(b'{"format_version": 1, "a": ' + b"[" * 200_000)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"decoder": replace(toy_manifest().decoder, layers=0)}, "decoder.layers is 0"),
        ({"decoder": replace(toy_manifest().decoder, head_size=1 << 40)}, "decoder.head_size"),
        ({"decoder": replace(toy_manifest().decoder, kv_bits=16)}, "decoder.kv_bits is 16"),
        ({"decoder": replace(toy_manifest().decoder, kv_bits=4, head_size=9)}, "decoder.kv_bits is 4 for heads of 9"),
        ({"limits": Limits(max_prompt_tokens=8, max_tokens=-1)}, "limits.max_tokens is -1"),
        ({"files": (FileEntry("a", -1, ""),)}, "size of a is -1"),
        ({"context": 63}, "decoder.context 64"),
        ({"probe": Probe((), (1,))}, "probe is empty"),
    ],
)
def test_numbers_nobody_can_obey_are_corrupt(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(Corrupt, match=named):
        parse_manifest(replace(toy_manifest(), **changes).to_bytes())


def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(toy_manifest().to_bytes())
    return document


@pytest.mark.parametrize("task", ["embed", "classify"])
def test_encoders_manifest_is_read_back_and_is_not_a_decoders(task: Task) -> None:
    manifest = toy_encoder_manifest(task)
    found = parse_manifest(manifest.to_bytes())
    assert found == manifest
    assert isinstance(found, EncoderManifest)
    assert json.loads(manifest.to_bytes())["kind"] == "encoder"


ENCODER = toy_encoder_manifest("classify")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encoder": replace(ENCODER.encoder, labels=("one",))}, "1 different labels for 3 scores"),
        ({"encoder": replace(ENCODER.encoder, labels=("same",) * 3)}, "1 different labels for 3 scores"),
        ({"encoder": replace(ENCODER.encoder, inputs=("pixels",))}, "inputs are pixels"),
        ({"encoder": replace(ENCODER.encoder, width=0, labels=())}, "encoder.width is 0"),
        ({"context": 0}, "context is 0"),
        ({"probe": replace(ENCODER.probe, largest=3)}, "probe"),
        ({"probe": replace(ENCODER.probe, token_ids=())}, "probe"),
    ],
)
def test_encoders_manifest_that_no_engine_could_obey_is_corrupt(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(Corrupt, match=message):
        parse_manifest(replace(ENCODER, **changes).to_bytes())


def test_task_or_kind_that_nobody_knows_is_refused() -> None:
    document = json.loads(ENCODER.to_bytes())
    with pytest.raises(Corrupt, match="not one of embed, classify"):
        parse_manifest(json.dumps(document | {"encoder": document["encoder"] | {"task": "paint"}}).encode())
    with pytest.raises(TooNew, match="diffuser"):
        parse_manifest(json.dumps(document | {"kind": "diffuser"}).encode())
