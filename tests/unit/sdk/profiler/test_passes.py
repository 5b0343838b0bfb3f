"""The passes that are priced are those that the engine makes. Oracle: the runtime itself, watched."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

import pytest

from edgeslm.profiler.passes import prompt_passes, step_pass
from edgeslm.profiler.probe.record import Row
from edgeslm.profiler.probe.worker import FEWER_PASSES, PASSES, _pass
from edgeslm.profiler.reach import timed_pass
from edgeslm_exporters.formats import layout
from edgeslm_exporters.recipe import parse_recipe
from support.specs import spec_named
from support.tflite_files import opened, written
from support.tiny import tiny_case, tiny_checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from edgeslm_agent.engine.runtime.litert import LitertRuntime, _Signature
    from edgeslm_exporters.export import Artifact

CONTEXT, CHUNK = 1400, 128
Calls = list[tuple[int, int, int]]  # tokens that each has room for, tokens before it, room of the caches


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Artifact]:
    folder = tmp_path_factory.mktemp("passes")
    checkpoint = tiny_checkpoint(folder / "checkpoint", tiny_case(max_position_embeddings=2 * CONTEXT))
    return folder / "out", written(checkpoint, "fp32", folder / "out", CONTEXT)


@pytest.fixture
def watched(artifact: tuple[Path, Artifact], monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[LitertRuntime, Calls]]:
    out, made = artifact
    runtime, calls = opened(out / made.decoder.graph, made.decoder), Calls()
    run = runtime._run

    def seen(signature: _Signature, ids: Sequence[int], past: int, end: int = 0) -> None:
        run(signature, ids, past, end)
        calls.append((signature.rows, past, runtime._caches.size))

    monkeypatch.setattr(runtime, "_run", seen)
    yield runtime, calls
    runtime.close()


@pytest.mark.parametrize("tokens", [1, 30, 200, 700, 1300])
def test_a_prompt_is_priced_as_litert_reads_it(
    tokens: int, artifact: tuple[Path, Artifact], watched: tuple[LitertRuntime, Calls]
) -> None:
    runtime, calls = watched
    places, prompt = artifact[1].layout, [1] * tokens
    runtime.prefill(prompt, 0)
    calls.clear()
    runtime.prefill(prompt, 0)  # with the room that the first has left
    passes = prompt_passes(places, tokens, CHUNK)
    assert {one.rows for one in passes} == {rows for rows, _, _ in calls}
    for one in passes:
        pasts, rooms = zip(*((past, room) for rows, past, room in calls if rows == one.rows), strict=True)
        assert (one.times, one.past, one.room) == (len(pasts), fmean(pasts), fmean(rooms))
    calls.clear()
    runtime.step(1, tokens)
    (step,) = step_pass(places, tokens)
    assert calls == [(1, tokens, step.room)]


@pytest.mark.parametrize(("rows", "past"), sorted({*PASSES, *(one for few in FEWER_PASSES.values() for one in few)}))
def test_a_pass_of_the_probe_has_the_room_that_is_priced(
    rows: int, past: int, artifact: tuple[Path, Artifact], watched: tuple[LitertRuntime, Calls]
) -> None:
    runtime, calls = watched
    call = _pass(runtime, rows, past, runtime.vocab_size)
    call()
    calls.clear()
    call()
    row = Row("small", 6, "tflite", "fp32", 1, rows, past, 1.0)
    assert calls[0] == (rows, past, timed_pass(row, artifact[1].layout).room)


def test_passes_read_each_token_of_a_prompt_once() -> None:
    spec, recipe = spec_named("smollm2-135m-instruct"), parse_recipe("wi4b32-afp32")
    *reading, head = prompt_passes(layout("onnx", spec, recipe, 1024), 300, CHUNK)
    assert [(one.rows, one.past, one.times, one.logits) for one in reading] == [(128, 64, 2, 0), (44, 256, 1, 0)]
    assert (head.rows, head.times, head.logits, head.layers) == (1, 3, 1, False)
    passes = prompt_passes(layout("tflite", spec, recipe, 1024), 300, CHUNK)
    assert {one.rows: (one.past, one.times, one.logits) for one in passes} == {
        128: (64, 2, 0), 32: (256, 1, 0), 8: (292, 2, 8),
    }  # fmt: skip
