"""What is done to weights before they are quantised must not change what the decoder computes, in any family."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgeslm_agent.engine.runtime.onnx import load_onnxruntime, open_session
from edgeslm_agent.errors import UnsupportedArchitecture
from edgeslm_exporters.architectures import describe
from edgeslm_exporters.calibrate import feeds
from edgeslm_exporters.onnx.graph import decoder_graph
from edgeslm_exporters.onnx.layout import GRAPH_NAME, layout
from edgeslm_exporters.onnx.schema import encode
from edgeslm_exporters.onnx.writer import write_data
from edgeslm_exporters.quantize import awq
from edgeslm_exporters.quantize.rotation import RotatedWeights, Rotation, rotated_spec
from edgeslm_exporters.recipe import parse_recipe
from support.checkpoints import CASES
from support.tiny import CONTEXT, tiny_case, tiny_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from edgeslm_exporters.decoder_spec import DecoderSpec
    from edgeslm_exporters.weights import Weights
    from support.checkpoints import Case

MEAN, ADDED = "its norms take a mean away", "it has norms whose result is added to the stream"
NOT_ROTATED = {
    **dict.fromkeys(("phi", "stablelm", "gpt_neox", "opt", "gpt2", "bloom"), MEAN),
    **dict.fromkeys(("olmo2", "gemma2", "gemma3_text", "bloom"), ADDED),
}


def logits(weights: Weights, spec: DecoderSpec, case: Case, folder: Path) -> NDArray[np.float32]:
    """Return the logits [tokens, vocab] of an fp32 export of these weights."""
    folder.mkdir()
    places = layout(spec, parse_recipe("fp32"), CONTEXT)
    write_data(weights, places, folder, 1, lambda _by: None)
    (folder / GRAPH_NAME).write_bytes(encode(decoder_graph(places)))
    session = open_session(load_onnxruntime(), folder / GRAPH_NAME, 1)
    found: NDArray[np.float32] = session.run(["logits"], feeds(session, places, case.prompt()))[0][0]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_moved_factors_leave_the_logits(tmp_path: Path, case: Case) -> None:
    checkpoint = tiny_checkpoint(tmp_path / "c", case)
    spec = describe(checkpoint.config, checkpoint.shapes)
    weights, rng = awq.ScaledWeights(checkpoint), np.random.default_rng(5)
    places = list(awq.feeds(spec))
    assert places
    for feed in places:
        factors = np.exp(rng.uniform(-1, 1, feed.readers[0].columns)).astype(np.float32)
        weights.move(feed, feed.tied(factors))
    plain, moved = (logits(w, spec, case, tmp_path / name) for w, name in ((checkpoint, "plain"), (weights, "moved")))
    assert np.abs(moved - plain).max() < 1e-4 * max(1.0, np.abs(plain).max())


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_rotation_leaves_the_logits_or_is_refused_with_a_reason(tmp_path: Path, case: Case) -> None:
    checkpoint = tiny_checkpoint(tmp_path / "c", case)
    spec = describe(checkpoint.config, checkpoint.shapes)
    if reason := NOT_ROTATED.get(case.config["model_type"]):
        with pytest.raises(UnsupportedArchitecture, match=reason):
            rotated_spec(spec)
        return
    rotated = rotated_spec(spec)
    turned = RotatedWeights(checkpoint, spec)
    plain = logits(checkpoint, spec, case, tmp_path / "plain")
    assert np.abs(logits(turned, rotated, case, tmp_path / "turned") - plain).max() < 1e-4 * max(
        1.0, np.abs(plain).max()
    )
    table = spec.embedding.parts[0].weight
    assert np.abs(turned.rows(table, 0, 8) - checkpoint.rows(table, 0, 8)).max() > 0.01


@pytest.mark.parametrize("width", [8, 48, 64, 192, 576, 2048])
def test_a_rotation_is_orthogonal_and_spreads_one_channel_over_all(width: int) -> None:
    matrix = Rotation(width).applied(np.eye(width, dtype=np.float32))
    assert np.abs(matrix @ matrix.T - np.eye(width)).max() < 1e-5
    assert np.abs(matrix).max() < 1.5 / np.sqrt(width)


def test_a_tied_table_becomes_two_and_the_layout_knows(tmp_path: Path) -> None:
    checkpoint = tiny_checkpoint(tmp_path / "c", tiny_case(tie_word_embeddings=True))
    spec = describe(checkpoint.config, checkpoint.shapes)
    untied = rotated_spec(spec)
    assert spec.tied
    assert not untied.tied
    plain, turned = (layout(spec, parse_recipe(f"wi4b32-afp32{way}"), CONTEXT) for way in ("", "-rot"))
    assert plain.head is None
    assert turned.head is not None
    assert turned.weights_bytes >= plain.weights_bytes + plain.table.bytes
