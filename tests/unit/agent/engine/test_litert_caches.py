"""LiteRT's caches grow with the tokens they hold, and no answer depends on it.

Oracle: the same file with its mark taken away, so that its caches have the size that they are declared with.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgeslm_agent.engine.runtime import litert_calls
from edgeslm_agent.engine.runtime.tflite_file import RESIZABLE
from edgeslm_agent.errors import EdgeSLMError, EnvironmentProblem
from edgeslm_exporters.checkpoint import open_checkpoint
from support.checkpoints import build_checkpoint, case_named
from support.tflite_files import opened, scored, written
from support.tiny import tiny_case, tiny_checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from edgeslm_agent.engine.runtime.litert import LitertRuntime
    from edgeslm_exporters.checkpoint import Checkpoint
    from edgeslm_exporters.export import Artifact

CONTEXT, STEP = 72, 16  # the last step is half a one
TOKENS = st.integers(0, 96)


@pytest.fixture(scope="module", autouse=True)
def _small_steps() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(litert_calls, "CACHE_STEP", STEP)
        patch.setattr(litert_calls, "PROMPT_STEP", 2 * STEP)
        yield


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Artifact]:
    folder = tmp_path_factory.mktemp("caches")
    checkpoint = tiny_checkpoint(folder / "checkpoint", tiny_case(intermediate_size=128))
    return folder / "out", written(checkpoint, "fp32", folder / "out", CONTEXT)


@pytest.fixture(scope="module")
def growing(artifact: tuple[Path, Artifact]) -> LitertRuntime:
    out, made = artifact
    return opened(out / made.decoder.graph, made.decoder)


@pytest.fixture(scope="module")
def declared(artifact: tuple[Path, Artifact]) -> LitertRuntime:
    return unmarked(*artifact)


def unmarked(out: Path, made: Artifact) -> LitertRuntime:
    """Open the file of an artifact as one whose caches cannot be resized."""
    content = (out / made.decoder.graph).read_bytes()
    assert content.count(RESIZABLE.encode()) == 1
    (out / "declared.tflite").write_bytes(content.replace(RESIZABLE.encode(), b"x" * len(RESIZABLE)))
    return opened(out / "declared.tflite", made.decoder)


def room(runtime: LitertRuntime) -> int:
    """Return the tokens that the buffers have room for."""
    (size,) = {buffer.get_tensor_details()["shape"][2] for buffer in runtime._caches.buffers.values()}
    return int(size)


def allocated(runtime: LitertRuntime) -> int:
    """Return the bytes of the caches' buffers."""
    shapes = (buffer.get_tensor_details()["shape"] for buffer in runtime._caches.buffers.values())
    return sum(4 * math.prod(shape) for shape in shapes)


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_order_of_prompts_steps_and_scores_answers_as_with_declared_caches(
    data: st.DataObject, growing: LitertRuntime, declared: LitertRuntime
) -> None:
    held: list[int] = []
    for _ in range(data.draw(st.integers(1, 6), "calls")):
        past = data.draw(st.integers(0, min(len(held), CONTEXT - 1)), "past")
        ids = data.draw(st.lists(TOKENS, min_size=1, max_size=CONTEXT - past), "ids")
        held = held[:past] + ids
        answers: list[NDArray[np.float32]] = []
        if data.draw(st.booleans(), "score"):
            answers = [runtime.score(ids, past).copy() for runtime in (growing, declared)]
        else:
            answers = [runtime.prefill(ids, past).copy() for runtime in (growing, declared)]
        assert np.abs(np.subtract(*answers)).max() < 1e-5


def test_every_boundary_is_crossed_step_by_step(growing: LitertRuntime, declared: LitertRuntime) -> None:
    growing.prefill([1] * CONTEXT, 0)  # leaves so much room that what follows gives it back
    sizes = []
    for past in range(CONTEXT):
        answers = [runtime.step(past % 97, past) for runtime in (growing, declared)]
        assert np.abs(np.subtract(*answers)).max() < 1e-5
        sizes.append(room(growing))
    assert sizes == [min(CONTEXT, (past // STEP + 1) * STEP) for past in range(CONTEXT)]
    assert room(declared) == CONTEXT


def test_what_is_forgotten_gives_its_room_back(growing: LitertRuntime) -> None:
    growing.prefill(list(range(70)), 0)
    assert room(growing) == CONTEXT
    growing.prefill([1, 2, 3], 0)
    assert room(growing) == STEP


def test_a_full_context_takes_the_planned_bytes(artifact: tuple[Path, Artifact], growing: LitertRuntime) -> None:
    places = artifact[1].layout
    growing.prefill([1] * 10, 0)
    assert allocated(growing) == places.spec.kv_cache_bytes(2 * STEP)  # an answer will follow
    growing.prefill([1] * CONTEXT, 0)
    assert allocated(growing) == places.kv_cache_bytes


@pytest.mark.slow
@pytest.mark.parametrize("family", ["bloom", "gemma2", "gemma3-pattern", "mistral-window"])
def test_windows_and_slopes_follow_the_size_of_the_caches(family: str, tmp_path: Path) -> None:
    checkpoint: Checkpoint = open_checkpoint(build_checkpoint(case_named(family), tmp_path / "checkpoint"))
    made = written(checkpoint, "fp32", tmp_path / "out", CONTEXT)
    growing = opened(tmp_path / "out" / made.decoder.graph, made.decoder)
    ids = [(7 * index + 3) % 80 for index in range(CONTEXT)]
    expected = scored(unmarked(tmp_path / "out", made), ids)
    assert np.abs(scored(growing, ids) - expected).max() < 1e-5
    for before, count in pairwise([0, 1, 15, 17, 40, 66, CONTEXT]):
        found = growing.prefill(ids[before:count], before)
        assert np.abs(found - expected[count - 1]).max() < 1e-4


def test_no_memory_for_a_growth_closes_the_runtime(
    artifact: tuple[Path, Artifact], monkeypatch: pytest.MonkeyPatch
) -> None:
    out, made = artifact
    runtime = opened(out / made.decoder.graph, made.decoder)
    runtime.prefill([1] * 10, 0)

    def refused(*_args: object) -> None:
        raise MemoryError

    monkeypatch.setattr(runtime._caches, "move", refused)
    with pytest.raises(EnvironmentProblem, match="no caches for 64 tokens"):
        runtime.prefill([1] * 40, 10)
    with pytest.raises(EdgeSLMError, match="closed"):
        runtime.step(1, 0)
