from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np
import pytest

from edgeslm_agent.errors import BadCheckpoint
from edgeslm_exporters.checkpoint import open_checkpoint
from support.quantized_layouts import write_quantized

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from support.quantized_layouts import Stored

UP = "model.layers.0.mlp.up_proj"
TYPES = {"F8_E4M3": ml_dtypes.float8_e4m3fn, "F8_E5M2": ml_dtypes.float8_e5m2}
DEEPSEEK = {"quant_method": "fp8", "weight_block_size": [128, 128], "activation_scheme": "dynamic"}


def drawn(dtype: str = "F8_E4M3") -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Draw [160, 64] weights: their bytes, and their values by ml_dtypes."""
    values = np.random.default_rng(3).standard_normal((160, 64)).astype(TYPES[dtype])
    return values.view(np.uint8), values.astype(np.float32)


def rows(folder: Path, settings: dict[str, Any], stored: Stored) -> NDArray[np.float32]:
    checkpoint = open_checkpoint(write_quantized(folder, settings, {UP: stored}))
    assert checkpoint.own_recipe is None
    return np.concatenate([checkpoint.rows(f"{UP}.weight", at, at + 40) for at in range(0, 160, 40)])


@pytest.mark.parametrize("dtype", ["F8_E4M3", "F8_E5M2"])
def test_bare_float8_is_widened_exactly(tmp_path: Path, dtype: str) -> None:
    stored, values = drawn(dtype)
    folder = write_quantized(tmp_path, {}, {UP: {f"{UP}.weight": (dtype, stored)}})
    (folder / "config.json").write_text((folder / "config.json").read_text().replace("quantization_config", "other"))
    assert (open_checkpoint(folder).rows(f"{UP}.weight", 0, 160) == values).all()


@pytest.mark.parametrize("shape", [(), (1,), (160,), (160, 1)])
@pytest.mark.parametrize("suffix", ["weight_scale", "weight_scale_inv"])
def test_a_scale_multiplies_whatever_it_is_called(tmp_path: Path, suffix: str, shape: tuple[int, ...]) -> None:
    stored, values = drawn()
    scale = np.random.default_rng(4).uniform(0.5, 2, shape or ()).astype(np.float32)
    found = rows(
        tmp_path,
        {"quant_method": "fp8"},
        {f"{UP}.weight": ("F8_E4M3", stored), f"{UP}.{suffix}": ("F32", np.asarray(scale))},
    )
    wide = scale.reshape(160, 1) if scale.size > 1 else scale
    assert (found == values * wide).all()


@pytest.mark.parametrize("block", [(128, 128), (64, 32)])
def test_a_scale_a_block(tmp_path: Path, block: tuple[int, int]) -> None:
    stored, values = drawn()
    scale = np.random.default_rng(4).uniform(0.5, 2, (-(-160 // block[0]), -(-64 // block[1]))).astype(np.float32)
    found = rows(
        tmp_path,
        {**DEEPSEEK, "weight_block_size": list(block)},
        {f"{UP}.weight": ("F8_E4M3", stored), f"{UP}.weight_scale_inv": ("F32", scale)},
    )
    spread = np.kron(scale, np.ones(block, np.float32))[:160, :64]
    assert (found == values * spread).all()


def test_compressed_tensors_spells_it_otherwise(tmp_path: Path) -> None:
    stored, values = drawn()
    scale = np.random.default_rng(4).uniform(0.5, 2, (160, 1)).astype(np.float32)
    weights = {"type": "float", "num_bits": 8, "strategy": "channel", "symmetric": True}
    said = {
        "quant_method": "compressed-tensors",
        "format": "float-quantized",
        "config_groups": {"group_0": {"weights": weights}},
    }
    found = rows(tmp_path, said, {f"{UP}.weight": ("F8_E4M3", stored), f"{UP}.weight_scale": ("F32", scale)})
    assert (found == values * scale).all()


def test_the_user_is_told(tmp_path: Path) -> None:
    stored, _ = drawn()
    checkpoint = open_checkpoint(write_quantized(tmp_path, DEEPSEEK, {UP: {f"{UP}.weight": ("F8_E4M3", stored)}}))
    assert "float8" in checkpoint.notes[0]


def test_a_scale_of_another_shape_is_refused(tmp_path: Path) -> None:
    stored, _ = drawn()
    wrong: Stored = {
        f"{UP}.weight": ("F8_E4M3", stored),
        f"{UP}.weight_scale_inv": ("F32", np.ones((3, 3), np.float32)),
    }
    with pytest.raises(BadCheckpoint, match=r"weight_scale_inv is \[3, 3\]"):
        open_checkpoint(write_quantized(tmp_path, DEEPSEEK, {UP: wrong}))


@pytest.mark.parametrize("named", [[0, 128], [-1, 1], ["a", "b"], [128], "x"])
def test_a_block_of_nothing_is_refused(tmp_path: Path, named: object) -> None:
    with pytest.raises(BadCheckpoint, match="weight_block_size"):
        open_checkpoint(write_quantized(tmp_path, {**DEEPSEEK, "weight_block_size": named}, {}))


@pytest.mark.parametrize(
    ("dtype", "byte"), [("F8_E4M3", 0x7F), ("F8_E4M3", 0xFF), ("F8_E5M2", 0x7C), ("F8_E5M2", 0xFE)]
)
def test_values_that_are_not_finite_are_refused(tmp_path: Path, dtype: str, byte: int) -> None:
    stored, _ = drawn(dtype)
    stored[7, 3] = byte
    checkpoint = open_checkpoint(write_quantized(tmp_path, DEEPSEEK, {UP: {f"{UP}.weight": (dtype, stored)}}))
    with pytest.raises(BadCheckpoint, match="NaN or infinity in rows 0 to 159"):
        checkpoint.rows(f"{UP}.weight", 0, 160)
