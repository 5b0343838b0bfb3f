"""The LiteRT runtime: chunks of any length give what single steps give, and what does not fit is named."""

from __future__ import annotations

import gc
import os
import sys
from dataclasses import replace
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeslm_agent.engine.runtime import litert
from edgeslm_agent.engine.runtime.litert import LitertRuntime, check_litert
from edgeslm_agent.engine.runtime.litert_calls import best_size, prompt_calls
from edgeslm_agent.engine.runtime.quiet import native_stderr
from edgeslm_agent.errors import Corrupt, EdgeSLMError, Incompatible, MissingExtra
from edgeslm_exporters.tflite import schema
from support.tflite_files import opened, scored, written
from support.tiny import tiny_case, tiny_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

    from edgeslm_agent.contract.manifest import DecoderShape

    Written = tuple[Path, DecoderShape]

CONTEXT = 64
IDS = [(17 * index + 3) % 97 for index in range(CONTEXT)]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("tflite")
    checkpoint = tiny_checkpoint(folder / "checkpoint", tiny_case(intermediate_size=128))
    artifact = written(checkpoint, "fp32", folder / "out", CONTEXT)
    return folder / "out" / artifact.decoder.graph, artifact.decoder


@pytest.fixture(scope="module")
def stepped(small: Written) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Logits [CONTEXT, vocab] of IDS, read one by one."""
    runtime = opened(*small)
    return np.stack([runtime.step(token, past).copy() for past, token in enumerate(IDS)])


@pytest.mark.parametrize("count", [1, 2, 8, 9, 31, 33, 60, CONTEXT])
def test_a_prompt_of_any_length_is_read_as_its_tokens_one_by_one(
    count: int, small: Written, stepped: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
) -> None:
    logits = opened(*small).prefill(IDS[:count], 0)
    assert np.abs(logits - stepped[count - 1]).max() < 1e-4


@pytest.mark.parametrize("past", [1, 5, 40, 61, 63])
def test_reading_goes_on_behind_any_past_up_to_the_end_of_the_context(
    past: int, small: Written, stepped: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
) -> None:
    runtime = opened(*small)
    runtime.prefill(IDS[:past], 0)
    assert np.abs(runtime.prefill(IDS[past:], past) - stepped[-1]).max() < 1e-4
    assert np.abs(runtime.score(IDS[past:], past) - stepped[past:]).max() < 1e-4


def test_scores_do_not_depend_on_how_many_are_asked_at_once(
    small: Written, stepped: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
) -> None:
    for rows in (1, 7, 32, 50, CONTEXT):
        assert np.abs(scored(opened(*small, score_rows=rows), IDS) - stepped).max() < 1e-4


def test_a_shorter_past_forgets_what_came_after(
    small: Written, stepped: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
) -> None:
    runtime = opened(*small)
    runtime.prefill(list(reversed(IDS)), 0)
    assert np.abs(runtime.prefill(IDS[:20], 0) - stepped[19]).max() < 1e-4


@given(st.lists(st.integers(2, 200), unique=True, max_size=4), st.integers(1, 500), st.integers(1, 500))
def test_the_size_of_a_call_fits_the_room(sizes: list[int], left: int, room: int) -> None:
    assert best_size(sizes, left, room) in {1, *(size for size in sizes if size <= room)}


@given(
    st.lists(st.integers(2, 200), unique=True, max_size=4),
    st.integers(1, 40),
    st.integers(1, 600),
    st.integers(0, 600),
)
def test_calls_read_each_token_once_and_the_last_gives_logits(
    sizes: list[int], tail: int, tokens: int, spare: int
) -> None:
    room = tokens + spare
    calls = list(prompt_calls((tail, *sizes), tail, tokens, room))
    assert sum(count for _, count in calls) == tokens
    assert calls[-1][0] in {1, tail}
    for size, count in calls:
        assert 1 <= count <= size <= room
        room -= count


def test_padding_is_taken_where_it_is_cheaper_than_steps() -> None:
    sizes = (8, 32, 128)
    found = {left: best_size(sizes, left, 500) for left in (1, 3, 8, 31, 40, 70, 120, 300)}
    assert found == {1: 1, 3: 8, 8: 8, 31: 32, 40: 32, 70: 32, 120: 128, 300: 128}


@pytest.mark.parametrize("content", [b"", b"not a model at all", b"\x1c\0\0\0TFL3 and then nothing that follows"])
def test_a_foreign_file_is_corrupt(content: bytes, small: Written, tmp_path: Path) -> None:
    (tmp_path / "model.tflite").write_bytes(content)
    with pytest.raises(Corrupt, match=r"\.tflite"):
        opened(tmp_path / "model.tflite", small[1])


@pytest.mark.parametrize("share", [0.02, 0.5, 0.95])
def test_a_file_cut_off_is_corrupt(share: float, small: Written, tmp_path: Path) -> None:
    whole = small[0].read_bytes()
    (tmp_path / "model.tflite").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(Corrupt, match=r"\.tflite"):
        opened(tmp_path / "model.tflite", small[1])


def test_a_manifest_of_another_decoder_is_incompatible(small: Written) -> None:
    path, shape = small
    with pytest.raises(Incompatible, match=r"its cache is 1x2x64x16, for a context of 128"):
        opened(path, replace(shape, context=128))
    with pytest.raises(Incompatible, match="gives 97 logits of 98"):
        opened(path, replace(shape, vocab_size=98))
    with pytest.raises(Incompatible, match="kv_cache_k_2"):
        opened(path, replace(shape, layers=3))


def test_a_missing_signature_is_named(small: Written, tmp_path: Path) -> None:
    path, shape = small
    renamed = path.read_bytes().replace(b"\x06\0\0\0decode\0", b"\x06\0\0\0encode\0")
    (tmp_path / "model.tflite").write_bytes(renamed)
    with pytest.raises(Incompatible, match="no signature 'decode'"):
        opened(tmp_path / "model.tflite", shape)


def test_an_operator_newer_than_the_runtime_is_incompatible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(schema.VERSIONS, schema.Op.FULLY_CONNECTED, 99)
    checkpoint = tiny_checkpoint(tmp_path / "checkpoint", tiny_case(intermediate_size=128))
    artifact = written(checkpoint, "fp32", tmp_path / "out", CONTEXT)
    with pytest.raises(Incompatible, match="FULLY_CONNECTED") as caught:
        opened(tmp_path / "out" / artifact.decoder.graph, artifact.decoder)
    assert caught.value.hint == "pip install --upgrade ai-edge-litert"


def test_a_closed_runtime_says_so(small: Written) -> None:
    runtime = opened(*small)
    runtime.close()
    with pytest.raises(EdgeSLMError, match="closed"):
        runtime.step(1, 0)


def test_an_older_package_is_incompatible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(litert, "_installed", lambda: "2.1.6")
    with pytest.raises(Incompatible, match=r"needs ai-edge-litert 2\.2\.0, installed is 2\.1\.6"):
        check_litert("1.0")


def test_a_bundle_for_a_later_package_is_incompatible() -> None:
    with pytest.raises(Incompatible, match=r"needs ai-edge-litert 99\.1"):
        check_litert("99.1")


@pytest.mark.parametrize(
    ("only", "said"), [("", "is not installed$"), ("tflite_runtime", "tflite-runtime gives wrong")]
)
def test_without_the_package_the_extra_is_named(only: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(litert, "find_spec", lambda name: ModuleSpec(name, None) if name == only else None)
    with pytest.raises(MissingExtra, match=said) as caught:
        check_litert("2.2")
    assert caught.value.hint == 'pip install "edgeslm[litert]"'


def test_loading_says_nothing_on_stderr(small: Written, capfd: pytest.CaptureFixture[str]) -> None:
    gc.collect()  # a runtime that an earlier test left in a failed call says its goodbye when it is collected
    capfd.readouterr()
    runtime = opened(*small)
    runtime.prefill(IDS[:40], 0)
    runtime.close()
    assert capfd.readouterr().err == ""


def test_what_is_said_meanwhile_can_be_read_and_later_words_are_heard(capfd: pytest.CaptureFixture[str]) -> None:
    with native_stderr() as said:
        os.write(2, b"during")
        said.seek(0)
        assert said.read() == b"during"
    print("after", file=sys.stderr)  # noqa: T201  # that it still works is the point
    assert capfd.readouterr().err == "after\n"


def test_the_runtime_implements_the_port(small: Written) -> None:
    runtime: LitertRuntime = opened(*small)
    assert (runtime.context, runtime.vocab_size, runtime.score_rows) == (CONTEXT, 97, 64)
