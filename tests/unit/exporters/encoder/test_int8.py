"""Rounding, balancing and both int8 forms of a graph."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from onnx import numpy_helper

from edgeslm_agent.contract.manifest import EncoderShape, EncoderSizes
from edgeslm_agent.engine.runtime.onnx_encoder import EXACT_INT8
from edgeslm_exporters.encoder.balance import balance, channel_scales
from edgeslm_exporters.encoder.calibrated import quantise_calibrated
from edgeslm_exporters.encoder.dynamic import quantise_dynamic
from edgeslm_exporters.encoder.observe import Seen, observe
from edgeslm_exporters.encoder.weights import drop_unused, fold_identities, pack_tables, products, rounded
from support.traced_encoder import HIDDEN, INNER, LOUD, VOCABULARY, hidden_states, traced, weights

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
SHAPE = EncoderShape("", "embed", INPUTS, HIDDEN, VOCABULARY, EncoderSizes(2, HIDDEN, INNER, 2), "mean", False, ())
RANDOM = np.random.default_rng(5)
CALIBRATION = [RANDOM.integers(3, VOCABULARY, 12).tolist() for _ in range(20)]
TEXTS = [RANDOM.integers(3, VOCABULARY, 9).tolist() for _ in range(20)]


def states(model: onnx.ModelProto) -> NDArray[np.float32]:
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    for name, value in EXACT_INT8.items():
        options.add_session_config_entry(name, value)
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    found = []
    for text in TEXTS:
        row = np.array([text])
        feeds = {"input_ids": row, "attention_mask": np.ones_like(row), "token_type_ids": np.zeros_like(row)}
        found.append(session.run(None, feeds)[0][0])
    return np.array(found)


EXACT = np.array([hidden_states(text) for text in TEXTS])


def error(model: onnx.ModelProto) -> float:
    """Return the relative error of what the layers add; what enters them is left out, since it hides them."""
    entered = weights().table[np.array(TEXTS)].astype(np.float64) + weights().segments[0]
    return float(np.linalg.norm(states(model) - EXACT) / np.linalg.norm(EXACT - entered))


def seen_of(model: onnx.ModelProto, folder: Path) -> Mapping[str, Seen]:
    fold_identities(model.graph)
    return observe(model, SHAPE, CALIBRATION, folder)


@settings(max_examples=60)
@example(np.array([[5.42e-43]], np.float32))  # a scale of few bits would give a code beyond 127
@given(arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.floats(-1e3, 1e3, width=32)))
def test_rounding_leaves_half_a_step_and_uses_the_whole_range(values: NDArray[np.float32]) -> None:
    for axis in (0, 1):
        packed = rounded(values, axis)
        largest = np.abs(values).max(axis=axis, keepdims=True)
        assert np.all(np.abs(packed.codes * packed.scales - values) <= 0.5001 * packed.scales)
        assert np.all(np.abs(packed.codes).max(axis=axis, keepdims=True)[largest > 1e-30] == 127)
        assert np.all(packed.scales > 0)


def test_observed_ranges_are_those_of_every_input_by_channel(tmp_path: Path) -> None:
    model = traced()
    seen = seen_of(model, tmp_path)
    assert sorted(seen) == ["active0", "active1", "hidden0", "hidden1"]
    entered = np.array([weights().table[text] + weights().segments[0] for text in CALIBRATION]).reshape(-1, HIDDEN)
    np.testing.assert_allclose(seen["hidden0"].low, np.minimum(entered.min(axis=0), 0), rtol=1e-6)
    np.testing.assert_allclose(seen["hidden0"].high, np.maximum(entered.max(axis=0), 0), rtol=1e-6)
    assert list(tmp_path.iterdir()) == []


def test_balancing_changes_nothing_in_floats_and_evens_the_channels(tmp_path: Path) -> None:
    model = traced()
    before = seen_of(model, tmp_path)
    after = balance(model.graph, before)
    np.testing.assert_allclose(states(model), EXACT, rtol=1e-4, atol=1e-3)
    again = observe(model, SHAPE, CALIBRATION, tmp_path)
    assert sorted(again) == sorted(after)
    for name, range_after in after.items():
        np.testing.assert_allclose(range_after.low, again[name].low, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(range_after.high, again[name].high, rtol=1e-4, atol=1e-5)
    evened, uneven = (
        seen.largest.max() / seen.largest.min() for seen in (after["hidden0.balanced"], before["hidden0"])
    )
    assert evened < 0.3 * uneven


def test_scales_have_a_geometric_mean_of_one_and_survive_dead_channels() -> None:
    seen = Seen(np.array([0, -4, 0], np.float32), np.array([0, 1, 100], np.float32))
    scales = channel_scales(seen, [np.array([[0, 0], [1, -2], [0.5, 0]], np.float32)])
    assert np.all(np.isfinite(scales))
    assert np.exp(np.log(scales).mean()) == pytest.approx(1, rel=1e-5)
    assert scales[2] > scales[1]


def test_channel_that_calibration_never_woke_is_not_blown_up() -> None:
    largest = np.full(64, 2.0, np.float32)
    largest[7] = 0
    scales = channel_scales(Seen(np.zeros(64, np.float32), largest), [np.ones((64, 8), np.float32)])
    assert scales[7] > 0.3 * np.median(scales)


@pytest.mark.parametrize("calibrated", [False, True])
def test_int8_forms_are_close_and_closer_when_balanced(calibrated: bool, tmp_path: Path) -> None:
    errors = []
    for balanced in (False, True):
        model = traced()
        seen = seen_of(model, tmp_path)
        if balanced:
            seen = balance(model.graph, seen)
        if calibrated:
            quantise_calibrated(model.graph, seen)
        else:
            quantise_dynamic(model)
        drop_unused(model.graph)
        errors.append(error(model))
    assert errors[1] < 0.03
    assert errors[1] < 0.5 * errors[0]


def test_dynamic_form_takes_the_bias_in_and_leaves_no_float_matrix() -> None:
    model = traced()
    fold_identities(model.graph)
    quantise_dynamic(model)
    drop_unused(model.graph)
    counts = Counter(node.op_type for node in model.graph.node)
    assert counts["DynamicQuantizeMatMul"] == 4
    assert counts["MatMul"] == 0
    assert counts["Add"] == 3  # the two residuals and the two tables; the biases are inside the products
    names = {tensor.name for tensor in model.graph.initializer}
    assert not names & {"up0", "up1", "down0", "down1"}
    taken = [len(node.input) for node in model.graph.node if node.op_type == "DynamicQuantizeMatMul"]
    assert taken == [5, 4, 5, 4]


def test_calibrated_form_has_standard_operators_only_and_rounds_each_input_once(tmp_path: Path) -> None:
    model = traced()
    quantise_calibrated(model.graph, seen_of(model, tmp_path))
    counts = Counter(node.op_type for node in model.graph.node)
    assert counts["QuantizeLinear"] == 4
    assert counts["DequantizeLinear"] == 8
    assert {node.domain for node in model.graph.node} == {""}


def test_word_table_is_int8_by_row_and_small_tables_stay() -> None:
    model = traced()
    pack_tables(model.graph)
    drop_unused(model.graph)
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    assert constants["table.codes"].dtype == np.int8
    assert constants["table.scales"].shape == (VOCABULARY, 1)
    assert "table" not in constants
    assert constants["segments"].dtype == np.float32
    steps = np.abs(weights().table).max(axis=1, keepdims=True) / 127
    restored = constants["table.codes"] * constants["table.scales"]
    assert np.all(np.abs(restored - weights().table) <= 0.5001 * steps)
    assert weights().table[:, LOUD].std() > 10  # the rows really have a large channel


def test_folding_lets_every_node_read_the_constant_itself() -> None:
    model = traced()
    assert sum(node.op_type == "Identity" for node in model.graph.node) == 2
    fold_identities(model.graph)
    assert [node.output[0] for node in model.graph.node if node.op_type == "Identity"] == ["last_hidden_state"]
    np.testing.assert_allclose(states(model), EXACT, rtol=1e-4, atol=1e-3)
    assert len(list(products(model.graph))) == 4
