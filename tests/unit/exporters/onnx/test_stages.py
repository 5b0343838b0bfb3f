"""A decoder run stage by stage gives the logits of the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgeslm_agent.engine.runtime.onnx import OnnxRuntime
from edgeslm_exporters.checkpoint import open_checkpoint
from edgeslm_exporters.export import convert
from edgeslm_exporters.onnx import cut, stages
from edgeslm_exporters.onnx.layout import Layout
from edgeslm_exporters.recipe import parse_recipe
from support.checkpoints import CASES, build_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

    from support.checkpoints import Case

PROMPTS = ((3, 1, 4, 1, 5), (9, 2))


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["fp32", "wi4b32-afp32"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_stages_of_one_layer_give_the_logits_of_the_whole(
    case: Case, recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cut, "STAGE_BYTES", 1)
    artifact = convert(open_checkpoint(build_checkpoint(case, tmp_path / "in")), parse_recipe(recipe), 64, tmp_path)
    folder, shape = tmp_path / "artifacts", artifact.decoder
    assert isinstance(artifact.layout, Layout)
    written = sorted(folder.iterdir())
    found = stages.last_logits(artifact.layout, folder, PROMPTS)
    whole = OnnxRuntime(tmp_path / shape.graph, shape, min_version="0", threads=1, prefill_rows=8, score_rows=8)
    for prompt, logits in zip(PROMPTS, found, strict=True):
        np.testing.assert_allclose(logits, whole.prefill(prompt, 0), rtol=0, atol=1e-6)
    assert sorted(folder.iterdir()) == written


def test_a_stage_holds_no_more_than_it_may_and_every_layer_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deepest = max(CASES, key=lambda case: int(case.config.get("num_hidden_layers", 0)))
    checkpoint = open_checkpoint(build_checkpoint(deepest, tmp_path / "in"))
    places = convert(checkpoint, parse_recipe("wi8-afp32"), 64, tmp_path).layout
    assert isinstance(places, Layout)
    sizes = [sum(places.matrix(p).loaded_bytes for p in layer.projections()) for layer in places.spec.stack]
    for bound in (1, max(sizes), 2 * max(sizes), sum(sizes)):
        monkeypatch.setattr(cut, "STAGE_BYTES", bound)
        *body, head = cut.stages(places)
        assert [index for layers in body for index in layers] == list(range(len(sizes)))
        assert all(len(layers) == 1 or sum(sizes[index] for index in layers) <= bound for layers in body)
        assert head == range(len(sizes), len(sizes))
