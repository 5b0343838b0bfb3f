from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edgeslm_agent.errors import BadCheckpoint, UnsupportedOperator
from edgeslm_exporters.checkpoint import open_checkpoint
from edgeslm_exporters.quantized_rows import Blocks
from support.quantized_layouts import awq, draw, write_quantized

if TYPE_CHECKING:
    from pathlib import Path

UP = "model.layers.0.mlp.up_proj"
SETTINGS = {"quant_method": "awq", "bits": 4, "group_size": 32, "zero_point": True, "version": "gemm"}


def test_rows_are_what_the_codes_stand_for(tmp_path: Path) -> None:
    truth = draw((160, 64), 4, 32, symmetric=False)
    checkpoint = open_checkpoint(write_quantized(tmp_path, SETTINGS, {UP: awq(UP, truth)}))
    assert checkpoint.shapes[f"{UP}.weight"] == (160, 64)
    for start, stop in ((0, 160), (3, 5), (13, 77)):  # inside a word, and across words
        assert (checkpoint.rows(f"{UP}.weight", start, stop) == truth.weights[start:stop]).all()


def test_codes_and_zero_points_are_taken_as_they_are(tmp_path: Path) -> None:
    truth = draw((160, 64), 4, 32, symmetric=False)
    checkpoint = open_checkpoint(write_quantized(tmp_path, SETTINGS, {UP: awq(UP, truth)}))
    assert checkpoint.own_recipe == "wu4b32-afp32-hi8b32"
    rows = checkpoint.quantized_rows(f"{UP}.weight", 8, 100, Blocks(4, 32, False, False))
    assert rows is not None
    assert rows.zero_points is not None
    assert (rows.codes.reshape(92, 64) == truth.codes[8:100]).all()
    assert (rows.zero_points == truth.zeros[8:100]).all()
    assert (rows.scales == truth.scales[8:100]).all()


def test_without_zero_points_the_middle_is_zero(tmp_path: Path) -> None:
    truth = draw((160, 64), 4, 64, symmetric=True)
    layers = awq(UP, truth)
    del layers[f"{UP}.qzeros"]
    old_names = {"quant_method": "awq", "w_bit": 4, "q_group_size": 64, "zero_point": False}
    checkpoint = open_checkpoint(write_quantized(tmp_path, old_names, {UP: layers}))
    assert checkpoint.own_recipe == "wi4b64-afp32-hi8b32"
    assert (checkpoint.rows(f"{UP}.weight", 0, 160) == truth.weights).all()


@pytest.mark.parametrize(
    ("change", "named"),
    [({"version": "gemv"}, "version = 'gemv'"), ({"bits": 8}, "bits = 8"), ({"bits": None}, "None")],
)
def test_settings_without_a_decoder_are_named(tmp_path: Path, change: dict[str, Any], named: str) -> None:
    layers = {UP: awq(UP, draw((160, 64), 4, 32, symmetric=False))}
    with pytest.raises(UnsupportedOperator, match=named):
        open_checkpoint(write_quantized(tmp_path, {**SETTINGS, **change}, layers))


@pytest.mark.parametrize(("which", "dtype"), [("qzeros", "I32"), ("scales", "F16")])
def test_shapes_that_disagree_are_refused_by_name(tmp_path: Path, which: str, dtype: str) -> None:
    layers = awq(UP, draw((160, 64), 4, 32, symmetric=False))
    layers[f"{UP}.{which}"] = (dtype, np.zeros((2, 19), np.int32 if dtype == "I32" else np.float16))
    with pytest.raises(BadCheckpoint, match=rf"{which} is {dtype} \[2, 19\]"):
        open_checkpoint(write_quantized(tmp_path, SETTINGS, {UP: layers}))
