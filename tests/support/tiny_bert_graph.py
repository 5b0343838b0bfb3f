"""The float graph of the tiny BERT, as optimum would trace it, written in ONNX's text form from the same weights."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
from onnx import numpy_helper, parser

from edgeslm_exporters.encoder import convert
from support.tiny_bert import HEADS, HIDDEN, LABELS, LAYERS, tensors

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from onnx import ModelProto

    from edgeslm_agent.contract.manifest import Task

NUMBERS = {
    "zero": np.array([0]),
    "first": np.array(0),
    "inner_axes": np.array([1, 2]),
    "split_heads": np.array([0, 0, HEADS, HIDDEN // HEADS]),
    "join_heads": np.array([0, 0, HIDDEN]),
    "one": np.array(1, np.float32),
    "half": np.array(0.5, np.float32),
    "far_below": np.array(-1e9, np.float32),
    "root_two": np.array(sqrt(2), np.float32),
    "width": np.array(sqrt(HIDDEN // HEADS), np.float32),
}
EMBEDDINGS = """
    length = Shape <start = 1, end = 2> (input_ids)
    words = Gather (embeddings_word_embeddings_weight, input_ids)
    kinds = Gather (embeddings_token_type_embeddings_weight, token_type_ids)
    places = Slice (embeddings_position_embeddings_weight, zero, length)
    placed = Add (words, places)
    embedded = Add (placed, kinds)
    hidden0 = LayerNormalization <axis = -1, epsilon = 1e-12>
        (embedded, embeddings_LayerNorm_weight, embeddings_LayerNorm_bias)
    mask = Cast <to = 1> (attention_mask)
    absent = Sub (one, mask)
    wide_absent = Unsqueeze (absent, inner_axes)
    far = Mul (wide_absent, far_below)
"""
LAYER = """
    {query}
    {key}
    {value}
    q@ = Transpose <perm = [0, 2, 1, 3]> (query_heads@)
    k@ = Transpose <perm = [0, 2, 3, 1]> (key_heads@)
    v@ = Transpose <perm = [0, 2, 1, 3]> (value_heads@)
    products@ = MatMul (q@, k@)
    shrunk@ = Div (products@, width)
    masked@ = Add (shrunk@, far)
    shares@ = Softmax <axis = -1> (masked@)
    heard@ = MatMul (shares@, v@)
    turned@ = Transpose <perm = [0, 2, 1, 3]> (heard@)
    joined@ = Reshape (turned@, join_heads)
    {attended}
    heeded@ = Add (hidden@, attended@)
    middle@ = LayerNormalization <axis = -1, epsilon = 1e-12>
        (heeded@, {layer}_attention_output_LayerNorm_weight, {layer}_attention_output_LayerNorm_bias)
    {opened}
    scaled@ = Div (opened@, root_two)
    curved@ = Erf (scaled@)
    raised@ = Add (curved@, one)
    halved@ = Mul (opened@, half)
    active@ = Mul (halved@, raised@)
    {closed}
    fed@ = Add (middle@, closed@)
    hidden{next} = LayerNormalization <axis = -1, epsilon = 1e-12>
        (fed@, {layer}_output_LayerNorm_weight, {layer}_output_LayerNorm_bias)
"""
LABELLING = """
    lead = Gather <axis = 1> (last_hidden_state, first)
    pool = Gemm <transB = 1> (lead, pooler_dense_weight, pooler_dense_bias)
    pooled = Tanh (pool)
    logits = Gemm <transB = 1> (pooled, classifier_weight, classifier_bias)
"""


def tiny_bert_graph(task: Task) -> ModelProto:
    """Return the graph: `last_hidden_state` [batch, length, hidden], or `logits` [batch, labels] of the first token."""
    body = EMBEDDINGS + "".join(_layer(number) for number in range(LAYERS))
    body += f"last_hidden_state = Identity (hidden{LAYERS})\n"
    output = f"float[b, s, {HIDDEN}] last_hidden_state"
    if task == "classify":
        body, output = body + LABELLING, f"float[b, {LABELS}] logits"
    inputs = ", ".join(f"int64[b, s] {name}" for name in ("input_ids", "attention_mask", "token_type_ids"))
    head = '<ir_version: 8, opset_import: ["" : 18]>'
    model = parser.parse_model(f"{head} tiny_bert ({inputs}) => ({output}) {{ {body} }}")
    values = {name.replace(".", "_"): value for name, value in tensors().items()} | NUMBERS
    used = {name for node in model.graph.node for name in node.input}
    for name, value in values.items():
        for written, array in ((name, value), (f"{name}_T", value.T)):  # optimum writes matrices [columns, rows]
            if written in used:
                model.graph.initializer.append(numpy_helper.from_array(array, written))
    return model


def float_graph_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let exports of the tiny BERT take this graph where optimum would trace theirs."""

    def float_graph(_folder: Path, _model_type: str, task: Task) -> ModelProto:
        return tiny_bert_graph(task)

    monkeypatch.setattr(convert, "float_graph", float_graph)
    monkeypatch.setattr(convert, "TOOLS", ("onnx",))


def _layer(number: int) -> str:
    layer = f"encoder_layer_{number}"

    def linear(name: str, source: str, place: str) -> str:
        weights = f"{layer}_{place}"
        return f"{name}_raw@ = MatMul ({source}, {weights}_weight_T)\n{name}@ = Add ({name}_raw@, {weights}_bias)"

    def heads(name: str) -> str:
        flat = linear(name, "hidden@", f"attention_self_{name}")
        return f"{flat}\n{name}_heads@ = Reshape ({name}@, split_heads)"

    text = LAYER.format(
        layer=layer,
        next=number + 1,
        query=heads("query"),
        key=heads("key"),
        value=heads("value"),
        attended=linear("attended", "joined@", "attention_output_dense"),
        opened=linear("opened", "middle@", "intermediate_dense"),
        closed=linear("closed", "active@", "output_dense"),
    )
    return text.replace("@", str(number))
