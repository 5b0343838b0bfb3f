"""The built-in model with a quantised KV cache, from its own calibration tasks to the gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgeslm import export
from edgeslm.pipeline import evaluate_bundle
from edgeslm.profiler.dataset import Dataset
from edgeslm.source import open_source, own_tasks
from edgeslm_agent.bundle import open_bundle
from edgeslm_agent.engine.generation import Generation
from edgeslm_agent.engine.runtime.kv_cache import cache_bytes
from edgeslm_agent.engine.session import Session

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def tasks() -> Dataset:
    own = own_tasks(open_source(None).label)
    assert own is not None
    return Dataset("sixty built-in tasks", tasks=own.tasks[:60])


# Seen on 300 tasks: KL 3.8e-6 in 8 bits, 9.4e-4 in 4; int4 weights in blocks of 32 leave 1.4e-3.
@pytest.mark.parametrize(("bits", "most", "same"), [(8, 1e-4, 59), (4, 5e-3, 55)])
def test_it_answers_as_with_a_cache_of_floats(
    tmp_path: Path, tasks: Dataset, bits: int, most: float, same: int
) -> None:
    recipes = {"small": f"wfp32-afp32-kv{bits}", "exact": "fp32"}
    for name, recipe in recipes.items():
        export(device="raspberry-pi-5", recipes=[recipe], gate="none", measured=False, out=tmp_path / name)
    small, exact = (open_bundle(tmp_path / name) for name in recipes)
    assert small.manifest.decoder.kv_bits == bits
    assert small.manifest.recipe == recipes["small"]
    assert evaluate_bundle(small.path, tasks, reference=None, gate="none").quality.kld_mean <= most
    with Session.open(small) as mine, Session.open(exact) as theirs:
        greedy = Generation(max_tokens=48, temperature=0.0)
        answers = [[session.complete(task.prompt, greedy).text for task in tasks.tasks] for session in (mine, theirs)]
    assert sum(one == other for one, other in zip(*answers, strict=True)) >= same


def test_8_bits_pass_the_gate_and_say_what_they_were_calibrated_and_judged_on(tmp_path: Path, tasks: Dataset) -> None:
    result = export(
        device="raspberry-pi-5",
        recipes=["wi8-afp32-kv8"],
        data=tasks,
        measured=False,
        out=tmp_path / "bundle",
    )
    quality = result.document()["quality"]
    assert quality["status"] == "passed"
    assert quality["data"] == "three quarters of sixty built-in tasks"
    assert 0 < quality["longest"] <= result.bundle.manifest.context
    shape = result.bundle.manifest.decoder
    planned = result.winner.candidate.estimate.kv_cache_bytes.value
    assert planned == 2 * shape.layers * shape.kv_heads * shape.head_size * shape.context
    assert planned == cache_bytes(shape)
