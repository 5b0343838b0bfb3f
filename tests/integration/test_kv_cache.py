"""The built-in model with a quantised KV cache, from its own calibration tasks to the gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgeslm import export
from edgeslm.profiler.dataset import Dataset
from edgeslm.source import open_source, own_tasks
from edgeslm_agent.engine.generation import Generation
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
@pytest.mark.parametrize(("bits", "most"), [(8, 1e-4), (4, 5e-3)])
def test_it_passes_the_gate_and_answers_as_with_floats(tmp_path: Path, tasks: Dataset, bits: int, most: float) -> None:
    result = export(
        device="raspberry-pi-5",
        recipes=[f"wfp32-afp32-kv{bits}"],
        data=tasks,
        measured=False,
        out=tmp_path / "bundle",
    )
    assert result.winner.assessment is not None
    assert result.winner.assessment.quality.kld_mean <= most
    assert result.bundle.manifest.decoder.kv_bits == bits
    exact = export(device="raspberry-pi-5", recipes=["fp32"], gate="none", measured=False, out=tmp_path / "exact")
    with Session.open(result.bundle) as small, Session.open(exact.bundle) as whole:
        greedy = Generation(max_tokens=48, temperature=0.0)
        texts = [[session.complete(task.prompt, greedy).text for task in tasks.tasks] for session in (small, whole)]
    same = sum(mine == theirs for mine, theirs in zip(*texts, strict=True))
    assert same >= {8: 59, 4: 55}[bits]
