"""A tiny encoder that honours the graph contract of the engine, written by hand, and a whole bundle around it.

It averages the vectors of the tokens and scales the mean to length 1, or turns it into the scores of three labels.
The tokenizer is that of the toy decoder with a special token put before and behind every text.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, processors

from edgeslm_agent.contract.manifest import (
    OUTPUTS,
    EncoderManifest,
    EncoderProbe,
    EncoderShape,
    EncoderSizes,
    ModelSource,
    RuntimeRequirement,
)
from support.toy_graph import BOS, EOS, GRAPH, SPECIALS, TOKENIZER, VOCABULARY, file_entry, write_toy_tokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from edgeslm_agent.contract.manifest import Task

WIDTH, LONGEST = 8, 16
LABELS = ("negative", "neutral", "positive")
PROBE = (BOS, 72, 101, 108, 108, 111, EOS)


def toy_weights(task: Task) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the table [vocabulary, width] and, for classify, the head [width, labels]."""
    random = np.random.default_rng(11)
    table = random.standard_normal((VOCABULARY, WIDTH), np.float32)
    return table, random.standard_normal((WIDTH, len(LABELS) if task == "classify" else 0), np.float32)


def expected_output(task: Task, ids: Sequence[int]) -> NDArray[np.float64]:
    """Return what the graph must answer, computed in float64: the oracle."""
    table, head = toy_weights(task)
    mean = table[list(ids)].astype(np.float64).mean(axis=0)
    if task == "embed":
        unit: NDArray[np.float64] = mean / np.linalg.norm(mean)
        return unit
    odds = np.exp(mean @ head.astype(np.float64))
    shares: NDArray[np.float64] = odds / odds.sum()
    return shares


def write_toy_encoder_graph(file: Path, task: Task) -> None:
    """Write the graph for a task."""
    table, head = toy_weights(task)
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["vectors"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["wide_mask"]),
        helper.make_node("Mul", ["vectors", "wide_mask"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "tokens_axis"], ["sum"], keepdims=0),
        helper.make_node("ReduceSum", ["wide_mask", "tokens_axis"], ["count"], keepdims=0),
        helper.make_node("Div", ["sum", "count"], ["mean"]),
    ]
    if task == "embed":
        nodes.append(helper.make_node("LpNormalization", ["mean"], ["embedding"], axis=-1, p=2))
    else:
        nodes.append(helper.make_node("MatMul", ["mean", "head"], ["logits"]))
        nodes.append(helper.make_node("Softmax", ["logits"], ["scores"], axis=-1))
    constants = {"last": np.array([-1]), "tokens_axis": np.array([1]), "table": table, "head": head}
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items() if value.size]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
        for name in ("input_ids", "attention_mask")
    ]
    outputs = [helper.make_tensor_value_info(OUTPUTS[task], TensorProto.FLOAT, ["batch", toy_width(task)])]
    graph = helper.make_graph(nodes, "toy_encoder", inputs, outputs, initializers)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), file)


def toy_width(task: Task) -> int:
    """Return the width of the output."""
    return len(LABELS) if task == "classify" else WIDTH


def toy_encoder_manifest(task: Task = "embed") -> EncoderManifest:
    """Return a manifest of the toy without files."""
    shape = EncoderShape(
        graph=GRAPH,
        task=task,
        inputs=("input_ids", "attention_mask"),
        width=toy_width(task),
        vocab_size=VOCABULARY,
        sizes=EncoderSizes(layers=1, hidden=WIDTH, inner=WIDTH, heads=1),
        pooling="mean" if task == "embed" else "",
        normalized=task == "embed",
        labels=LABELS if task == "classify" else (),
    )
    return EncoderManifest(
        variant="toy_fp32_onnx_16",
        recipe="fp32",
        format="onnx",
        context=LONGEST,
        model=ModelSource("toy", "tests", "", "0" * 64, "toy", 1),
        runtime=RuntimeRequirement("onnxruntime", "1.17"),
        encoder=shape,
        tokenizer=TOKENIZER,
        probe=EncoderProbe(PROBE, int(expected_output(task, PROBE).argmax())),
        files=(),
        tools={},
    )


def write_toy_encoder(folder: Path, task: Task = "embed", **changes: object) -> Path:
    """Write a sound bundle; `changes` replace fields of its manifest. Returns the folder."""
    for name in ("artifacts", "tokenizer"):
        (folder / name).mkdir(parents=True)
    write_toy_encoder_graph(folder / GRAPH, task)
    write_toy_tokenizer(folder / TOKENIZER)
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{SPECIALS[0]} $A {SPECIALS[1]}", special_tokens=[(SPECIALS[0], BOS), (SPECIALS[1], EOS)]
    )
    tokenizer.save(str(folder / TOKENIZER))
    files = tuple(file_entry(folder, path) for path in (GRAPH, TOKENIZER))
    changed = replace(toy_encoder_manifest(task), files=files, **changes)  # type: ignore[arg-type]  # the test's choice
    (folder / "manifest.json").write_bytes(changed.to_bytes())
    return folder
