"""What an export asks of a file that it wrote: the answers of a session, without what only a session needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgeslm.pack import assemble
from edgeslm_agent.engine.runtime.litert import LitertRuntime
from edgeslm_agent.engine.session import Session
from edgeslm_exporters.export import convert
from edgeslm_exporters.recipe import parse_recipe
from edgeslm_exporters.tflite import answers
from edgeslm_exporters.tflite.layout import Layout
from support.tiny import tiny_case, tiny_checkpoint

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

PROMPTS = ((3, 1, 4, 1, 5, 9, 2, 6), (9, 2), (7,))


@pytest.mark.parametrize(("recipe", "context"), [("fp32", 64), ("wi4b32-afp32", 64), ("wi8-afp32", 4)])
def test_answers_are_those_of_a_session(recipe: str, context: int, tmp_path: Path) -> None:
    checkpoint = tiny_checkpoint(tmp_path / "checkpoint", tiny_case(intermediate_size=128))
    artifact = convert(checkpoint, parse_recipe(recipe), context, tmp_path, form="tflite")
    assert isinstance(artifact.layout, Layout)
    prompts = [prompt[:context] for prompt in PROMPTS]
    found = list(answers.last_logits(artifact.layout, tmp_path / "artifacts", prompts))
    bundle = assemble(tmp_path, checkpoint, "folder:tiny", artifact, "tiny")
    with Session.open(bundle, check_probe=False) as session:
        for prompt, logits in zip(prompts, found, strict=True):
            np.testing.assert_allclose(logits, session.score(prompt)[-1], rtol=0, atol=1e-5)


def test_the_file_is_let_go_when_no_more_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    class Watched(LitertRuntime):
        def prefill(self, ids: Sequence[int], past: int) -> NDArray[np.float32]:
            said.append("asked")
            return super().prefill(ids, past)

        def close(self) -> None:
            said.append("closed")
            super().close()

    monkeypatch.setattr(answers, "LitertRuntime", Watched)
    checkpoint = tiny_checkpoint(tmp_path / "checkpoint", tiny_case())
    artifact = convert(checkpoint, parse_recipe("fp32"), 64, tmp_path, form="tflite")
    assert isinstance(artifact.layout, Layout)
    found = answers.last_logits(artifact.layout, tmp_path / "artifacts", PROMPTS)
    next(found)
    del found
    assert said == ["asked", "closed"]
