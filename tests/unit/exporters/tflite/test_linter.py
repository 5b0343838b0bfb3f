"""Each rule catches the form it is about, in a file that is clean without it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgeslm_agent.engine.runtime.tflite_file import IDENTIFIER
from edgeslm_agent.errors import Corrupt
from edgeslm_exporters.tflite import schema
from edgeslm_exporters.tflite.flatbuffer import Scalar, Table, encode
from edgeslm_exporters.tflite.linter import lint
from edgeslm_exporters.tflite.schema import Op
from support.tflite_files import written
from support.tiny import tiny_case, tiny_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

ROWS, COLUMNS = 4, 64
ONES = np.ones(ROWS, np.float32)


def product(
    quantization: Table | None,
    *,
    scales: NDArray[np.float16] | None = None,
    keep: bool = True,
    op: Op = Op.FULLY_CONNECTED,
) -> bytes:
    """Return a model of one operator on a matrix of 4-bit codes [4, 64], with scales of blocks of 32."""
    blocks = np.ones((ROWS, COLUMNS // 32), np.float16) if scales is None else scales
    buffers = [Table({}), schema.inline_buffer(np.zeros(128, np.uint8)), schema.inline_buffer(blocks)]
    tensors = [
        schema.tensor("x", "float32", (1, 1, COLUMNS), 0),
        schema.tensor("w", "int4", (ROWS, COLUMNS), 1, quantization),
        schema.tensor("s", "float16", blocks.shape, 2),
        schema.tensor("y", "float32", (1, 1, ROWS), 0),
    ]
    options = {"keep_num_dims": keep} if op == Op.FULLY_CONNECTED else {}
    inputs = [0, 1, -1] if op == Op.FULLY_CONNECTED else [1]
    call = schema.operator(op, 0, inputs, [3], options)
    graph = schema.subgraph("decode", tensors, [0], [3], [call])
    return encode(schema.model([schema.operator_code(op)], [graph], buffers, [], {}), IDENTIFIER)


def problems(data: bytes, folder: Path) -> tuple[str, ...]:
    path = folder / "model.tflite"
    path.write_bytes(data)
    return lint(path)


def per_row(scales: NDArray[np.float32], zeros: int) -> Table:
    return Table({2: scales, 3: np.full(len(scales), zeros, np.int64), 6: Scalar("i", 0)})


@pytest.mark.parametrize("quantization", [schema.per_row(ONES), schema.blockwise(2, 32)], ids=["rows", "blocks"])
def test_what_xnnpack_takes_is_clean(quantization: Table, tmp_path: Path) -> None:
    assert problems(product(quantization), tmp_path) == ()


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (product(schema.blockwise(2, 16)), "blocks of 16 in rows of 64 fall off XNNPACK"),
        (product(schema.blockwise(2, 48)), "blocks of 48 in rows of 64 fall off XNNPACK"),
        (product(schema.blockwise(2, 64)), r"must be float16 \[4, 1\]"),
        (product(schema.blockwise(2, 32), scales=np.zeros((4, 2), np.float16)), "scale is not above 0"),
        (product(schema.per_row(ONES[:3])), "4 rows need as many scales"),
        (product(schema.per_row(-ONES)), "scale is not above 0"),
        (product(per_row(ONES, 3)), "zero points other than 0"),
        (product(None), "codes without scales"),
        (product(schema.per_row(ONES), keep=False), "without keep_num_dims"),
        (product(schema.per_row(ONES), op=Op.DEQUANTIZE), "is widened to float"),
    ],
)
def test_each_slow_or_wrong_form_is_named(data: bytes, problem: str, tmp_path: Path) -> None:
    (found,) = problems(data, tmp_path)
    assert re.search(problem, found)


def test_an_operator_beside_xnnpack_is_named(tmp_path: Path) -> None:
    gather = 36
    call = Table({0: Scalar("I", 0), 1: schema.ints([0]), 2: schema.ints([1])})
    code = Table({0: Scalar("b", gather), 2: Scalar("i", 1), 3: Scalar("i", gather)})
    tensors = [schema.tensor(name, "float32", (1,), 0) for name in "xy"]
    model = schema.model([code], [schema.subgraph("decode", tensors, [0], [1], [call])], [Table({})], [], {})
    assert problems(encode(model, IDENTIFIER), tmp_path) == ("decode: operator 36 is not one that XNNPACK takes",)


def test_a_cache_that_changes_and_a_matrix_stored_twice_are_named(tmp_path: Path) -> None:
    def graph(name: str, buffer: int, longer: int) -> Table:
        tensors = [
            schema.tensor("past", "float32", (1, 1, 8, 4), 0),
            schema.tensor("present", "float32", (1, 1, 8 + longer, 4), 0),
            schema.tensor("w.codes", "int8", (4, 4), buffer),
        ]
        return schema.subgraph(name, tensors, [0], [1], [])

    buffers = [Table({}), *(schema.inline_buffer(np.full(16, fill, np.uint8)) for fill in (1, 2))]
    signatures = [
        schema.signature("prefill_8", {"kv_cache_k_0": 0}, {"kv_cache_k_0": 1}, 0),
        schema.signature("decode", {"kv_cache_k_0": 0}, {}, 1),
    ]
    model = schema.model([], [graph("prefill_8", 1, 1), graph("decode", 2, 0)], buffers, signatures, {})
    assert set(problems(encode(model, IDENTIFIER), tmp_path)) == {
        "prefill_8: kv_cache_k_0 changes its shape, so it cannot stay in one buffer",
        "decode does not give kv_cache_k_0 back",
        "w.codes lies in the file twice",
    }


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_file_cut_off_is_corrupt(share: float, tmp_path: Path) -> None:
    checkpoint = tiny_checkpoint(tmp_path / "checkpoint", tiny_case(intermediate_size=128))
    artifact = written(checkpoint, "wi4b32-afp32", tmp_path / "out")
    whole = (tmp_path / "out" / artifact.decoder.graph).read_bytes()
    with pytest.raises(Corrupt):
        problems(whole[: int(share * len(whole))], tmp_path)
