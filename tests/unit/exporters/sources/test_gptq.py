from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edgeslm_agent.errors import BadCheckpoint, UnsupportedOperator
from edgeslm_exporters.checkpoint import open_checkpoint
from edgeslm_exporters.decoder_spec import Part
from edgeslm_exporters.part_reader import part_codes
from edgeslm_exporters.quantize.packing import unpack
from edgeslm_exporters.quantized_rows import Blocks
from support.quantized_layouts import Truth, draw, gptq, linear_shapes, write_quantized
from support.tiny import converted

if TYPE_CHECKING:
    from pathlib import Path

    from edgeslm_exporters.checkpoint import Checkpoint

Q = "model.layers.0.self_attn.q_proj"
DOWN = "model.layers.1.mlp.down_proj"


def settings(bits: int = 4, group: int = 32, **more: object) -> dict[str, Any]:
    return {"quant_method": "gptq", "bits": bits, "group_size": group, "sym": True, "desc_act": False, **more}


def opened(
    folder: Path, truths: dict[str, Truth], bits: int = 4, group: int = 32, *, less: int = 1, **more: object
) -> Checkpoint:
    layers = {module: gptq(module, truth, bits, stored_less=less) for module, truth in truths.items()}
    return open_checkpoint(write_quantized(folder, settings(bits, group, **more), layers))


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("group", [32, 64, -1])
@pytest.mark.parametrize("less", [0, 1])
def test_rows_are_what_the_codes_stand_for(tmp_path: Path, bits: int, group: int, less: int) -> None:
    truth = draw((64, 64), bits, 64 if group == -1 else group, symmetric=False)
    form = "gptq" if less else "gptq_v2"
    checkpoint = opened(tmp_path, {Q: truth}, bits, group, less=less, sym=False, checkpoint_format=form)
    assert checkpoint.shapes[f"{Q}.weight"] == (64, 64)
    assert (checkpoint.rows(f"{Q}.weight", 5, 37) == truth.weights[5:37]).all()


def test_symmetric_codes_are_taken_as_they_are(tmp_path: Path) -> None:
    truth = draw((64, 160), 4, 32, symmetric=True)
    rows = opened(tmp_path, {DOWN: truth}).quantized_rows(f"{DOWN}.weight", 3, 40, Blocks(4, 32, True, False))
    assert rows is not None
    assert rows.zero_points is None
    assert (rows.codes.reshape(37, 160) == truth.codes[3:40]).all()
    assert (rows.scales == truth.scales[3:40]).all()


def test_a_finer_block_takes_the_codes_with_the_scale_repeated(tmp_path: Path) -> None:
    truth = draw((64, 64), 4, 64, symmetric=False)
    checkpoint = opened(tmp_path, {Q: truth}, group=64, sym=False)
    rows = checkpoint.quantized_rows(f"{Q}.weight", 0, 64, Blocks(4, 16, False, False))
    assert rows is not None
    assert (rows.dequantize(4, 64) == truth.weights).all()


@pytest.mark.parametrize(
    "form", [Blocks(4, 64, True, False), Blocks(4, 32, True, True), Blocks(8, 32, True, False)], ids=str
)
def test_a_form_that_does_not_hold_the_codes_is_refused(tmp_path: Path, form: Blocks) -> None:
    checkpoint = opened(tmp_path, {Q: draw((64, 64), 4, 32, symmetric=True)})
    assert checkpoint.quantized_rows(f"{Q}.weight", 0, 64, form) is None


def test_codes_with_zero_points_do_not_fit_a_symmetric_form(tmp_path: Path) -> None:
    checkpoint = opened(tmp_path, {Q: draw((64, 64), 4, 32, symmetric=False)}, sym=False)
    assert checkpoint.quantized_rows(f"{Q}.weight", 0, 64, Blocks(4, 32, True, False)) is None


def test_a_part_of_a_packed_tensor_takes_its_rows_and_a_turned_one_none(tmp_path: Path) -> None:
    truth = draw((64, 64), 4, 32, symmetric=True)
    checkpoint, form = opened(tmp_path, {Q: truth}), Blocks(4, 32, True, False)
    part = Part(f"{Q}.weight", rows=16, start=32)
    rows = part_codes(checkpoint, part, 4, 12, form)
    assert rows is not None
    assert (rows.dequantize(4, 64) == truth.weights[36:44]).all()
    assert part_codes(checkpoint, replace(part, transposed=True), 4, 12, form) is None


def test_act_order_is_dequantised_and_said(tmp_path: Path) -> None:
    straight = draw((64, 64), 4, 32, symmetric=True)
    turned = Truth(straight.codes, straight.scales, straight.zeros, np.arange(64) % 2)
    checkpoint = opened(tmp_path, {Q: turned}, desc_act=True)
    assert (checkpoint.rows(f"{Q}.weight", 0, 64) == turned.weights).all()
    assert checkpoint.quantized_rows(f"{Q}.weight", 0, 64, Blocks(4, 32, True, False)) is None
    assert "act-order" in checkpoint.notes[0]


def test_an_export_in_its_own_recipe_holds_every_code_to_the_bit(tmp_path: Path) -> None:
    shapes = linear_shapes()
    truths = {
        module: draw(shape, 4, 32, symmetric=True, seed=seed) for seed, (module, shape) in enumerate(shapes.items())
    }
    checkpoint = opened(tmp_path / "c", truths)
    assert checkpoint.own_recipe == "wi4b32-afp32-hi8b32"
    artifact = converted(checkpoint, checkpoint.own_recipe, tmp_path / "out")
    data = (tmp_path / "out" / "artifacts" / "model.onnx.data").read_bytes()
    for name, parts in {
        "layers.0.qkv": ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
        "layers.0.gate_up": ["mlp.gate_proj", "mlp.up_proj"],
        "layers.0.down": ["mlp.down_proj"],
    }.items():
        codes = np.concatenate([truths[f"model.layers.0.{part}"].codes for part in parts])
        scales = np.concatenate([truths[f"model.layers.0.{part}"].scales for part in parts])
        place = artifact.layout.by_name[f"{name}.codes"]
        found = np.frombuffer(data, np.uint8, place.bytes, place.offset)
        assert (unpack(found, 4, codes.size).reshape(codes.shape) == codes).all()
        place = artifact.layout.by_name[f"{name}.scales"]
        assert (np.frombuffer(data, np.float32, scales.size, place.offset).reshape(scales.shape) == scales).all()


@pytest.mark.parametrize(("group", "bits", "recipe"), [(-1, 8, "wi8-afp32"), (1024, 4, None), (32, 2, None)])
def test_the_own_recipe_is_named_where_there_is_one(tmp_path: Path, group: int, bits: int, recipe: str | None) -> None:
    truth = draw((64, 64), bits, 64 if group < 0 else group, symmetric=True)
    assert opened(tmp_path, {Q: truth}, bits, group).own_recipe == recipe


def test_a_group_outside_the_scales_is_refused(tmp_path: Path) -> None:
    truth = draw((64, 64), 4, 32, symmetric=True)
    layers = gptq(Q, truth, 4)
    layers[f"{Q}.g_idx"] = ("I32", np.full(64, 2, np.int32))
    checkpoint = open_checkpoint(write_quantized(tmp_path, settings(), {Q: layers}))
    with pytest.raises(BadCheckpoint, match="names a group outside 0 to 1"):
        checkpoint.rows(f"{Q}.weight", 0, 1)


@pytest.mark.parametrize(
    ("which", "shape"), [("scales", (3, 64)), ("qzeros", (2, 7)), ("g_idx", (63,)), ("qweight", (8, 64, 1))]
)
def test_shapes_that_disagree_are_refused_by_name(tmp_path: Path, which: str, shape: tuple[int, ...]) -> None:
    layers = gptq(Q, draw((64, 64), 4, 32, symmetric=True), 4)
    dtype, _ = layers[f"{Q}.{which}"]
    layers[f"{Q}.{which}"] = (dtype, np.zeros(shape, np.float16 if dtype == "F16" else np.int32))
    with pytest.raises(BadCheckpoint, match=rf"{which} is"):
        open_checkpoint(write_quantized(tmp_path, settings(), {Q: layers}))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"bits": 3}, "bits = 3"),
        ({"checkpoint_format": "marlin"}, "checkpoint_format = 'marlin'"),
        ({"pack_dtype": "int16"}, "pack_dtype"),
        ({"group_size": 0}, "group_size = 0"),
        ({"dynamic": {"-:.*mlp": {}}}, "dynamic"),
        ({"quant_method": "exl2"}, "'exl2'"),
        ({"quant_method": None}, "None"),
    ],
)
def test_settings_without_a_decoder_are_named(tmp_path: Path, change: dict[str, Any], named: str) -> None:
    layers = {Q: gptq(Q, draw((64, 64), 4, 32, symmetric=True), 4)}
    with pytest.raises(UnsupportedOperator, match=named) as raised:
        open_checkpoint(write_quantized(tmp_path, {**settings(), **change}, layers))
    assert raised.value.hint


def test_codes_without_a_word_in_the_config_are_refused(tmp_path: Path) -> None:
    layers = {Q: gptq(Q, draw((64, 64), 4, 32, symmetric=True), 4)}
    folder = write_quantized(tmp_path, {}, layers)
    (folder / "config.json").write_text((folder / "config.json").read_text().replace("quantization_config", "other"))
    with pytest.raises(BadCheckpoint, match="no quantization_config"):
        open_checkpoint(folder)
