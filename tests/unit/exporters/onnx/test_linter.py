from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from edgeslm_exporters.architectures import known
from edgeslm_exporters.onnx.linter import lint
from edgeslm_exporters.target import Target
from support.checkpoints import CASES
from support.tiny import converted, tiny_case, tiny_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from onnx import ModelProto, NodeProto

NANO = Target("jetson-nano", "aarch64", frozenset({"asimd"}), {})
PI5 = Target("raspberry-pi-5", "aarch64", frozenset({"asimd", "asimddp"}), {})


def artefact(folder: Path, recipe: str = "wi4b32-afp32", **changes: object) -> Path:
    checkpoint = tiny_checkpoint(folder / "c", tiny_case(tie_word_embeddings=True, **changes))
    return folder / "out" / converted(checkpoint, recipe, folder / "out").decoder.graph


def product(model: ModelProto) -> NodeProto:
    node: NodeProto = next(node for node in model.graph.node if node.op_type == "MatMulNBits")
    return node


def set_attribute(name: str, value: int) -> Callable[[ModelProto], None]:
    def change(model: ModelProto) -> None:
        next(attribute for attribute in product(model).attribute if attribute.name == name).i = value

    return change


def give_float_zero_points(model: ModelProto) -> None:
    node = product(model)
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(4, np.float32), "points"))
    node.input.extend([""] * (4 - len(node.input)))
    node.input[3] = "points"


def give_order(model: ModelProto) -> None:
    node = product(model)
    node.input.extend([""] * (5 - len(node.input)))
    node.input[4] = "order"


def forget_accuracy(model: ModelProto) -> None:
    node = product(model)
    kept = [attribute for attribute in node.attribute if attribute.name != "accuracy_level"]
    del node.attribute[:]
    node.attribute.extend(kept)


def ask_for_everything(model: ModelProto) -> None:
    for node in model.graph.node:
        if "logits_positions" in node.input:
            node.op_type = "Identity"
            del node.input[1:]


def grow_present(model: ModelProto) -> None:
    model.graph.output[0].type.tensor_type.shape.dim[2].dim_param = "longer"


def drop_present(model: ModelProto) -> None:
    del model.graph.output[0]


def raise_opset(model: ModelProto) -> None:
    model.opset_import[0].version = 25


def raise_ir(model: ModelProto) -> None:
    model.ir_version = 12


def put_inline(model: ModelProto) -> None:
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(1000, np.float32), "big"))


def set_place(key: str, value: str) -> Callable[[ModelProto], None]:
    def change(model: ModelProto) -> None:
        tensor = next(tensor for tensor in model.graph.initializer if tensor.name == "embed_tokens.codes")
        next(entry for entry in tensor.external_data if entry.key == key).value = value

    return change


@pytest.mark.parametrize(
    "recipe", ["fp32", "fp16", "wi4b32-afp32", "wu4b32-afp32", "wi8-afp32", "wi4b128-afp32-hi8b32"]
)
def test_what_the_writer_writes_is_clean(tmp_path: Path, recipe: str) -> None:
    assert lint(artefact(tmp_path, recipe), PI5) == ()


@pytest.mark.parametrize("family", known())
def test_every_family_is_clean(tmp_path: Path, family: str) -> None:
    case = next(case for case in CASES if case.family == family)
    decoder = converted(tiny_checkpoint(tmp_path / "c", case), "wi4b32-afp32", tmp_path / "out").decoder
    assert lint(tmp_path / "out" / decoder.graph, NANO) == ()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (forget_accuracy, "accuracy level is not 4"),
        (set_attribute("accuracy_level", 1), "accuracy level is not 4"),
        (set_attribute("bits", 2), "2-bit weights"),
        (set_attribute("block_size", 8), "block 8 is not one of"),
        (give_float_zero_points, "zero points are not uint8"),
        (give_order, "g_idx"),
        (ask_for_everything, "every position gets logits"),
        (grow_present, "differ in shape"),
        (drop_present, "has no present.0.key"),
        (raise_opset, "opset ai.onnx 25"),
        (raise_ir, "IR version 12"),
        (put_inline, "big: "),
        (set_place("offset", "4100"), "not on a page"),
        (set_place("length", "99999999"), "ends behind the data file"),
        (set_place("location", "../elsewhere"), "outside the artefact's folder"),
        (set_place("location", "elsewhere"), "is missing"),
    ],
)
def test_a_slow_or_unsafe_form_is_told(tmp_path: Path, change: Callable[[ModelProto], None], told: str) -> None:
    path = artefact(tmp_path)
    model = onnx.load(path, load_external_data=False)
    change(model)
    path.write_bytes(model.SerializeToString())
    assert any(told in problem for problem in lint(path, None))


def test_eight_bits_are_refused_where_the_processor_has_no_dot_product(tmp_path: Path) -> None:
    path = artefact(tmp_path, "wi8-afp32")
    assert all("no int8 dot product" in problem for problem in lint(path, NANO))
    assert lint(path, NANO)
    assert not lint(path, None)


def test_a_table_written_twice_is_told(tmp_path: Path) -> None:
    path = artefact(tmp_path, vocab_size=251)
    model = onnx.load(path, load_external_data=False)
    data = path.with_name("model.onnx.data")
    first, alias = (
        next(tensor for tensor in model.graph.initializer if tensor.name == f"embed_tokens.{name}")
        for name in ("codes", "rows_of_codes")
    )
    places = {entry.key: int(entry.value) for entry in first.external_data if entry.key != "location"}
    table = data.read_bytes()[places["offset"] : places["offset"] + places["length"]]
    end = -(-data.stat().st_size // 4096) * 4096
    data.write_bytes(data.read_bytes().ljust(end, b"\0") + table)
    next(entry for entry in alias.external_data if entry.key == "offset").value = str(end)
    path.write_bytes(model.SerializeToString())
    assert any("holds the same" in problem for problem in lint(path, None))


def test_a_graph_without_logits_is_told(tmp_path: Path) -> None:
    path = artefact(tmp_path)
    model = onnx.load(path, load_external_data=False)
    model.graph.node.remove(next(node for node in model.graph.node if "logits" in node.output))
    model.graph.node.append(helper.make_node("Identity", ["final.normed"], ["hidden"], "hidden"))
    path.write_bytes(model.SerializeToString())
    assert any("no output 'logits'" in problem for problem in lint(path, None))
