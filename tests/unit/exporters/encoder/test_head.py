"""Pooling, linear layers, normalisation and scores, against their definition in numpy."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
import pytest

from edgeslm_agent.contract.manifest import EncoderSizes
from edgeslm_exporters.encoder.head import add_head
from edgeslm_exporters.encoder.modules import NO_MODULES, Dense, Modules
from edgeslm_exporters.encoder.spec import EncoderSpec
from support.hf_layout import write_safetensors
from support.traced_encoder import HIDDEN, INNER, LABELS, LONGEST, VOCABULARY, hidden_states, traced, weights

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    Function = Callable[[NDArray[np.float64]], NDArray[np.float64]]

SPEC = EncoderSpec(
    model_type="bert",
    task="embed",
    sizes=EncoderSizes(2, HIDDEN, INNER, 2),
    vocab=VOCABULARY,
    max_tokens=LONGEST,
    modules=Modules("mean", (), normalized=False),
    labels=(),
    several_labels=False,
    parameters=1,
)
TEXTS = ([1, 40, 50, 60, 2], [1, 900, 2])


def answers(model: onnx.ModelProto) -> NDArray[np.float32]:
    """Run two texts of different length as one batch: padding must not show."""
    onnx.checker.check_model(model)
    ids = np.zeros((2, 5), np.int64)
    mask = np.zeros_like(ids)
    for row, text in enumerate(TEXTS):
        ids[row, : len(text)], mask[row, : len(text)] = text, 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
    (output,) = session.run(None, feeds)
    found: NDArray[np.float32] = output
    return found


@pytest.mark.parametrize(
    ("pooling", "pooled"),
    [
        ("mean", lambda states: states.mean(axis=0)),
        ("max", lambda states: states.max(axis=0)),
        ("cls", lambda states: states[0]),
    ],
)
@pytest.mark.parametrize("normalized", [False, True])
def test_pooling_sees_the_texts_own_tokens_only(
    pooling: str, pooled: Function, normalized: bool, tmp_path: Path
) -> None:
    model = traced()
    assert add_head(model, replace(SPEC, modules=Modules(pooling, (), normalized=normalized)), tmp_path) == HIDDEN
    expected = np.array([pooled(hidden_states(text)) for text in TEXTS])
    if normalized:
        expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(answers(model), expected, rtol=1e-4, atol=1e-4)
    assert [value.name for value in model.graph.output] == ["embedding"]
    assert [d.dim_param for d in model.graph.input[0].type.tensor_type.shape.dim] == ["batch", "length"]


@pytest.mark.parametrize(("activation", "function"), [("", lambda x: x), ("Tanh", np.tanh)])
@pytest.mark.parametrize("biased", [False, True])
def test_linear_layers_follow_the_pooling(activation: str, function: Function, biased: bool, tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    weight = random.standard_normal((7, HIDDEN), np.float32) / np.float32(9)
    bias = random.standard_normal(7).astype(np.float32)
    tensors = {"linear.weight": weight} | ({"linear.bias": bias} if biased else {})
    write_safetensors(tmp_path / "dense.safetensors", tensors, "F32")
    model = traced()
    modules = Modules("mean", (Dense("dense.safetensors", activation),), normalized=False)
    assert add_head(model, replace(SPEC, modules=modules), tmp_path) == 7
    expected = [function(hidden_states(text).mean(axis=0) @ weight.T + (bias if biased else 0)) for text in TEXTS]
    np.testing.assert_allclose(answers(model), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("several", [False, True])
def test_scores_are_softmax_or_for_several_labels_sigmoid(several: bool, tmp_path: Path) -> None:
    labels = tuple(f"label {index}" for index in range(LABELS))
    spec = replace(SPEC, task="classify", modules=NO_MODULES, labels=labels, several_labels=several)
    model = traced("classify")
    assert add_head(model, spec, tmp_path) == LABELS
    logits = np.array([hidden_states(text)[0] @ weights().head for text in TEXTS])
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    expected = 1 / (1 + np.exp(-logits)) if several else odds / odds.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(answers(model), expected, atol=1e-4)
