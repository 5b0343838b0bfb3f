from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edgeslm_agent.errors import BadCheckpoint, UnsupportedOperator
from edgeslm_exporters.checkpoint import open_checkpoint
from edgeslm_exporters.quantized_rows import Blocks
from support.quantized_layouts import Truth, draw, int_quantized, pack_quantized, write_quantized

if TYPE_CHECKING:
    from pathlib import Path

    from support.quantized_layouts import Stored

UP = "model.layers.0.mlp.up_proj"


def settings(weights: dict[str, Any], form: str = "pack-quantized", **more: object) -> dict[str, Any]:
    groups = {"group_0": {"targets": ["Linear"], "weights": {"type": "int", **weights}}}
    return {"quant_method": "compressed-tensors", "format": form, "config_groups": groups, **more}


GROUPED = {"num_bits": 4, "strategy": "group", "group_size": 32, "symmetric": True}
CHANNEL = {"num_bits": 8, "strategy": "channel", "symmetric": True}


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("bits", [4, 8])
def test_packed_groups_are_read_and_taken_as_they_are(tmp_path: Path, bits: int, symmetric: bool) -> None:
    truth = draw((160, 64), bits, 32, symmetric=symmetric)
    said = settings({"num_bits": bits, "strategy": "group", "group_size": 32, "symmetric": symmetric})
    layers = {UP: pack_quantized(UP, truth, bits, symmetric=symmetric)}
    checkpoint = open_checkpoint(write_quantized(tmp_path, said, layers))
    assert checkpoint.shapes[f"{UP}.weight"] == (160, 64)
    assert (checkpoint.rows(f"{UP}.weight", 3, 150) == truth.weights[3:150]).all()
    rows = checkpoint.quantized_rows(f"{UP}.weight", 3, 150, Blocks(bits, 32, symmetric, False))
    assert rows is not None
    assert (rows.codes.reshape(147, 64) == truth.codes[3:150]).all()
    assert (rows.zero_points is None) == symmetric
    assert (rows.dequantize(bits, 64) == truth.weights[3:150]).all()


@pytest.mark.parametrize("form", ["int-quantized", "naive-quantized"])
def test_int8_channels_are_taken_with_one_scale_a_row(tmp_path: Path, form: str) -> None:
    truth = draw((160, 64), 8, 64, symmetric=True)
    assert truth.codes.min() == 0  # -128, which round-to-nearest here never gives
    layers = {UP: int_quantized(UP, truth, symmetric=True)}
    checkpoint = open_checkpoint(write_quantized(tmp_path, settings(CHANNEL, form), layers))
    assert checkpoint.own_recipe == "wi8-afp32"
    rows = checkpoint.quantized_rows(f"{UP}.weight", 0, 160, Blocks(8, 64, True, True))
    assert rows is not None
    assert (rows.dequantize(8, 64) == truth.weights).all()


def test_asymmetric_int8_channels_have_zero_points(tmp_path: Path) -> None:
    truth = draw((160, 64), 8, 64, symmetric=False)
    layers = {UP: int_quantized(UP, truth, symmetric=False)}
    said = settings({**CHANNEL, "symmetric": False}, "int-quantized")
    checkpoint = open_checkpoint(write_quantized(tmp_path, said, layers))
    assert (checkpoint.rows(f"{UP}.weight", 0, 160) == truth.weights).all()


def test_one_scale_for_the_tensor(tmp_path: Path) -> None:
    drawn = draw((160, 64), 8, 64, symmetric=True)
    truth = Truth(drawn.codes, np.full((160, 1), 0.25, np.float32), drawn.zeros, drawn.group_of)
    layers = int_quantized(UP, truth, symmetric=True)
    layers[f"{UP}.weight_scale"] = ("F32", np.array([0.25], np.float32))
    said = settings({"num_bits": 8, "strategy": "tensor"}, "int-quantized")
    checkpoint = open_checkpoint(write_quantized(tmp_path, said, {UP: layers}))
    assert (checkpoint.rows(f"{UP}.weight", 7, 9) == truth.weights[7:9]).all()


def test_groups_out_of_order_are_dequantised(tmp_path: Path) -> None:
    drawn = draw((160, 64), 4, 32, symmetric=True)
    truth = Truth(drawn.codes, drawn.scales, drawn.zeros, np.arange(64) % 2)
    layers = pack_quantized(UP, truth, 4, symmetric=True)
    layers[f"{UP}.weight_g_idx"] = ("I32", truth.group_of.astype(np.int32))
    checkpoint = open_checkpoint(write_quantized(tmp_path, settings(GROUPED), {UP: layers}))
    assert (checkpoint.rows(f"{UP}.weight", 0, 160) == truth.weights).all()
    assert checkpoint.quantized_rows(f"{UP}.weight", 0, 160, Blocks(4, 32, True, False)) is None
    layers[f"{UP}.weight_g_idx"] = ("I32", np.full(64, -1, np.int32))
    checkpoint = open_checkpoint(write_quantized(tmp_path, settings(GROUPED), {UP: layers}))
    with pytest.raises(BadCheckpoint, match="names a group outside 0 to 1"):
        checkpoint.rows(f"{UP}.weight", 0, 1)


@pytest.mark.parametrize("scale", [2.0**-30, 1e5, -0.5, 1 / 3])
def test_a_scale_that_fp16_does_not_hold_means_rounding_again(tmp_path: Path, scale: float) -> None:
    drawn = draw((160, 64), 8, 64, symmetric=True)
    truth = Truth(drawn.codes, np.full((160, 1), scale, np.float32), drawn.zeros, drawn.group_of)
    layers = {UP: int_quantized(UP, truth, symmetric=True)}
    checkpoint = open_checkpoint(write_quantized(tmp_path, settings(CHANNEL, "int-quantized"), layers))
    assert (checkpoint.rows(f"{UP}.weight", 0, 160) == truth.weights).all()
    assert checkpoint.quantized_rows(f"{UP}.weight", 0, 160, Blocks(8, 64, True, True)) is None


def test_a_group_with_scale_zero_holds_zeros_and_is_taken(tmp_path: Path) -> None:
    truth = draw((160, 64), 4, 32, symmetric=True)
    truth.scales[5, 1] = 0
    layers = {UP: pack_quantized(UP, truth, 4, symmetric=True)}
    checkpoint = open_checkpoint(write_quantized(tmp_path, settings(GROUPED), layers))
    rows = checkpoint.quantized_rows(f"{UP}.weight", 0, 160, Blocks(4, 32, True, False))
    assert rows is not None
    assert (rows.scales > 0).all()
    assert (rows.dequantize(4, 64) == truth.weights).all()


@pytest.mark.parametrize(
    ("said", "named"),
    [
        (settings(GROUPED, "marlin-24"), "marlin-24"),
        (settings(GROUPED, "nvfp4-pack-quantized"), "nvfp4"),
        (settings({**GROUPED, "num_bits": 3}), "num_bits = 3"),
        (settings({**GROUPED, "strategy": "block"}), "strategy = 'block'"),
        (settings(GROUPED, sparsity_config={"format": "sparse-24-bitmask"}), "sparsity_config"),
        (settings(GROUPED, transform_config={"config_groups": {"R1": {}}}), "transform_config"),
        (settings(GROUPED, config_groups={"a": {"weights": GROUPED}, "b": {"weights": CHANNEL}}), "several ways"),
    ],
)
def test_settings_without_a_decoder_are_named(tmp_path: Path, said: dict[str, Any], named: str) -> None:
    layers = {UP: pack_quantized(UP, draw((160, 64), 4, 32, symmetric=True), 4, symmetric=True)}
    with pytest.raises(UnsupportedOperator, match=named):
        open_checkpoint(write_quantized(tmp_path, said, layers))


@pytest.mark.parametrize(
    "wrong",
    [
        {f"{UP}.weight_scale": ("F32", np.ones((160, 3), np.float32))},
        {f"{UP}.weight_packed": ("I32", np.ones((160, 8, 1), np.int32))},
        {f"{UP}.weight_zero_point": ("I32", np.ones((160, 2), np.int32))},
        {f"{UP}.weight_g_idx": ("I64", np.ones(64, np.int64))},
    ],
)
def test_shapes_that_disagree_are_refused_by_name(tmp_path: Path, wrong: Stored) -> None:
    layers = {**pack_quantized(UP, draw((160, 64), 4, 32, symmetric=False), 4, symmetric=False), **wrong}
    with pytest.raises(BadCheckpoint, match=next(iter(wrong)).rsplit(".", 1)[-1]):
        open_checkpoint(write_quantized(tmp_path, settings({**GROUPED, "symmetric": False}), {UP: layers}))


@pytest.mark.parametrize("groups", [{}, None, [], {"a": 3}, {"a": {"weights": None}}])
def test_a_config_that_says_nothing_of_weights_is_refused(tmp_path: Path, groups: object) -> None:
    with pytest.raises(BadCheckpoint, match="says nothing of the weights"):
        open_checkpoint(write_quantized(tmp_path, {**settings(GROUPED), "config_groups": groups}, {}))
