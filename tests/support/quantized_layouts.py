"""Checkpoints as GPTQ, AutoAWQ and llm-compressor write them, packed by loops over single codes, the plain way."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from support.checkpoints import build_checkpoint, random_weights
from support.tiny import tiny_case

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[Any]
    Stored = dict[str, tuple[str, Array]]

AWQ_ORDER = (0, 2, 4, 6, 1, 3, 5, 7)  # output i of eight lies at bits 4 x its position here


@dataclass(frozen=True)
class Truth:
    """A matrix: codes [N, K], scales and zeros [N, groups], the group of each column [K]."""

    codes: NDArray[np.uint8]
    scales: NDArray[np.float32]
    zeros: NDArray[np.uint8]
    group_of: NDArray[np.intp]

    @property
    def weights(self) -> NDArray[np.float32]:
        """What the codes stand for."""
        rows, columns = self.codes.shape
        found = np.empty((rows, columns), np.float32)
        for column, group in enumerate(self.group_of):
            found[:, column] = (self.codes[:, column].astype(np.float32) - self.zeros[:, group]) * self.scales[:, group]
        return found


def draw(shape: tuple[int, int], bits: int, group: int, *, symmetric: bool, seed: int = 0) -> Truth:
    """Draw a matrix whose groups of `group` columns follow each other; scales are exact in fp16 and bf16."""
    rng = np.random.default_rng([seed, bits, group])
    rows, columns = shape
    groups = -(-columns // group)
    zeros = rng.integers(1, 2**bits, (rows, groups), dtype=np.uint8)
    if symmetric:
        zeros[:] = 2 ** (bits - 1)
    scales = (rng.integers(1, 100, (rows, groups)) / 2**12).astype(np.float32)
    codes = rng.integers(0, 2**bits, shape, dtype=np.uint8)
    return Truth(codes, scales, zeros, np.arange(columns) // group)


def packed(codes: Sequence[int], bits: int) -> list[int]:
    """Pack codes into signed 32-bit words, the first in the lowest bits."""
    per_word = 32 // bits
    words = []
    for first in range(0, len(codes), per_word):
        word = 0
        for place, code in enumerate(codes[first : first + per_word]):
            word |= int(code) << (bits * place)
        words.append(word - 2**32 if word >= 2**31 else word)
    return words


def _packed_rows(codes: Array, bits: int) -> Array:
    return np.array([packed(row, bits) for row in codes], np.int32)


def gptq(module: str, truth: Truth, bits: int, *, stored_less: int = 1) -> Stored:
    """Return the tensors of a GPTQ layer; `stored_less` is 1 in the format gptq and 0 in gptq_v2."""
    zeros = (truth.zeros.astype(np.int64) - stored_less) % 2**bits
    return {
        f"{module}.qweight": ("I32", np.ascontiguousarray(_packed_rows(truth.codes, bits).T)),
        f"{module}.qzeros": ("I32", _packed_rows(zeros.T, bits)),
        f"{module}.scales": ("F16", np.ascontiguousarray(truth.scales.T).astype(np.float16)),
        f"{module}.g_idx": ("I32", truth.group_of.astype(np.int32)),
    }


def awq(module: str, truth: Truth, bits: int = 4) -> Stored:
    """Return the tensors of an AWQ layer (gemm)."""

    def interleaved(codes: Array) -> Array:  # [n, N]
        shuffled = codes.reshape(len(codes), -1, 8)[..., AWQ_ORDER].reshape(len(codes), -1)
        return _packed_rows(shuffled, bits)

    return {
        f"{module}.qweight": ("I32", interleaved(truth.codes.T)),
        f"{module}.qzeros": ("I32", interleaved(truth.zeros.T)),
        f"{module}.scales": ("F16", np.ascontiguousarray(truth.scales.T).astype(np.float16)),
    }


def pack_quantized(module: str, truth: Truth, bits: int, *, symmetric: bool) -> Stored:
    """Return the tensors of a compressed-tensors layer, format pack-quantized."""
    stored: Stored = {
        f"{module}.weight_packed": ("I32", _packed_rows(truth.codes, bits)),
        f"{module}.weight_scale": ("BF16", truth.scales),
        f"{module}.weight_shape": ("I64", np.array(truth.codes.shape)),
    }
    if not symmetric:
        stored[f"{module}.weight_zero_point"] = ("I32", np.ascontiguousarray(_packed_rows(truth.zeros.T, bits).T))
    return stored


def int_quantized(module: str, truth: Truth, *, symmetric: bool) -> Stored:
    """Return the tensors of a compressed-tensors layer, format int-quantized, 8 bits."""
    stored: Stored = {
        f"{module}.weight": ("I8", (truth.codes.astype(np.int16) - 128).astype(np.int8)),
        f"{module}.weight_scale": ("F32", truth.scales),
    }
    if not symmetric:
        stored[f"{module}.weight_zero_point"] = ("I8", (truth.zeros.astype(np.int16) - 128).astype(np.int8))
    return stored


def write_stored(path: Path, tensors: Mapping[str, tuple[str, Array]]) -> None:
    """Write a safetensors file of any types; BF16 is given as float32 and must be exact."""
    header: dict[str, Any] = {}
    blobs: list[bytes] = []
    offset = 0
    for name, (dtype, values) in tensors.items():
        data = (values.view(np.uint32) >> 16).astype("<u2") if dtype == "BF16" else values
        blobs.append(np.ascontiguousarray(data).tobytes())
        header[name] = {"dtype": dtype, "shape": list(values.shape), "data_offsets": [offset, offset + len(blobs[-1])]}
        offset += len(blobs[-1])
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(blobs))


def write_quantized(
    folder: Path, settings: Mapping[str, Any], layers: Mapping[str, Mapping[str, tuple[str, Array]]]
) -> Path:
    """Write a tiny Llama whose `layers` (by module name) are replaced by what publishers store; return the folder."""
    case = tiny_case(intermediate_size=160)
    build_checkpoint(case, folder)
    stored: Stored = {
        name: ("F32", values)
        for name, values in random_weights(case).items()
        if name.removesuffix(".weight") not in layers
    }
    for tensors in layers.values():
        stored |= tensors
    write_stored(folder / "model.safetensors", stored)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "quantization_config": dict(settings)}))
    return folder


def linear_shapes() -> dict[str, tuple[int, int]]:
    """Return the shape of every linear layer of that Llama, by module name."""
    per_layer = {
        "self_attn.q_proj": (64, 64),
        "self_attn.k_proj": (32, 64),
        "self_attn.v_proj": (32, 64),
        "self_attn.o_proj": (64, 64),
        "mlp.gate_proj": (160, 64),
        "mlp.up_proj": (160, 64),
        "mlp.down_proj": (64, 160),
    }
    return {f"model.layers.{layer}.{name}": shape for layer in range(2) for name, shape in per_layer.items()}
