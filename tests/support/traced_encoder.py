"""A float encoder graph such as optimum hands over, written by hand, and its definition in numpy.

Two tokens' tables are added, then two layers follow: a product with bias, tanh, and a product back, added to the input.
One channel is far larger than the others, as in trained encoders. The second bias is read through an Identity, which is
how the tracer writes equal constants. There is no attention: pooling sees exactly what each token became.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

from support.hf_layout import word_tokenizer, write_json, write_safetensors

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from edgeslm_agent.contract.manifest import Task

VOCABULARY, HIDDEN, INNER, LABELS, LONGEST = 1100, 16, 32, 3, 24
LOUD = 5  # the large channel


@dataclass(frozen=True)
class Weights:
    """The constants of the graph; `head` [hidden, labels] belongs to the classifier."""

    table: NDArray[np.float32]
    segments: NDArray[np.float32]
    up: tuple[NDArray[np.float32], ...]
    bias: NDArray[np.float32]
    down: tuple[NDArray[np.float32], ...]
    head: NDArray[np.float32]


def weights(seed: int = 3) -> Weights:
    """Draw the constants."""
    random = np.random.default_rng(seed)

    def draw(*shape: int) -> NDArray[np.float32]:
        drawn: NDArray[np.float32] = random.standard_normal(shape, np.float32) / np.float32(shape[0] ** 0.5)
        return drawn

    table = random.standard_normal((VOCABULARY, HIDDEN), np.float32)
    table[:, LOUD] *= 30
    up = (draw(HIDDEN, INNER), draw(HIDDEN, INNER))
    return Weights(
        table,
        random.standard_normal((2, HIDDEN), np.float32),
        up,
        draw(INNER),
        (draw(INNER, HIDDEN), draw(INNER, HIDDEN)),
        draw(HIDDEN, LABELS),
    )


def traced(task: Task = "embed") -> ModelProto:
    """Return the graph: `last_hidden_state` [batch, length, hidden], or `logits` [batch, labels] of the first token."""
    given = weights()
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["words"]),
        helper.make_node("Gather", ["segments", "token_type_ids"], ["kinds"]),
        helper.make_node("Add", ["words", "kinds"], ["hidden0"]),
        helper.make_node("Identity", ["bias"], ["same_bias"]),
    ]
    for layer, bias in enumerate(("bias", "same_bias")):
        nodes += [
            helper.make_node("MatMul", [f"hidden{layer}", f"up{layer}"], [f"opened{layer}"]),
            helper.make_node("Add", [bias, f"opened{layer}"], [f"biased{layer}"]),
            helper.make_node("Tanh", [f"biased{layer}"], [f"active{layer}"]),
            helper.make_node("MatMul", [f"active{layer}", f"down{layer}"], [f"closed{layer}"]),
            helper.make_node("Add", [f"closed{layer}", f"hidden{layer}"], [f"hidden{layer + 1}"]),
        ]
    constants = {"table": given.table, "segments": given.segments, "bias": given.bias}
    constants |= {f"up{layer}": given.up[layer] for layer in range(2)}
    constants |= {f"down{layer}": given.down[layer] for layer in range(2)}
    if task == "embed":
        nodes.append(helper.make_node("Identity", ["hidden2"], ["last_hidden_state"]))
        output = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["b", "s", HIDDEN])
    else:
        constants |= {"head": given.head, "first": np.array(0)}
        nodes.append(helper.make_node("Gather", ["hidden2", "first"], ["first_token"], axis=1))
        nodes.append(helper.make_node("Gemm", ["first_token", "head"], ["logits"]))
        output = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["b", LABELS])
    names = ("input_ids", "attention_mask", "token_type_ids")
    graph = helper.make_graph(
        nodes,
        "traced",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["b", "s"]) for name in names],
        [output],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def hidden_states(ids: Sequence[int]) -> NDArray[np.float64]:
    """Return what the tokens become [length, hidden], in float64."""
    given = weights()
    hidden: NDArray[np.float64] = given.table[list(ids)].astype(np.float64) + given.segments[0]
    for layer in range(2):
        hidden = hidden + np.tanh(hidden @ given.up[layer] + given.bias) @ given.down[layer]
    return hidden


def write_checkpoint(folder: Path, task: Task = "embed", *, modules: Sequence[tuple[str, str]] = ()) -> Path:
    """Write a checkpoint whose float graph is `traced(task)`; `modules` are (kind, folder) of sentence-transformers."""
    folder.mkdir(parents=True)
    name = "BertModel" if task == "embed" else "BertForSequenceClassification"
    sizes = {"hidden_size": HIDDEN, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": INNER}
    config = {"model_type": "bert", "architectures": [name], "vocab_size": VOCABULARY, **sizes}
    labels = {"id2label": {str(index): f"label {index}" for index in range(LABELS)}} if task == "classify" else {}
    write_json(folder / "config.json", {**config, "max_position_embeddings": LONGEST, **labels})
    write_safetensors(folder / "model.safetensors", {"embeddings.word_embeddings.weight": weights().table}, "F32")
    tokenizer = word_tokenizer(VOCABULARY)
    special = {
        "<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]},
        "</s>": {"id": "</s>", "ids": [2], "tokens": ["</s>"]},
    }
    frame = [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
    frame.append({"SpecialToken": {"id": "</s>", "type_id": 0}})
    pair = [*frame, {"Sequence": {"id": "B", "type_id": 1}}]
    tokenizer["post_processor"] = {
        "type": "TemplateProcessing",
        "single": frame,
        "pair": pair,
        "special_tokens": special,
    }
    write_json(folder / "tokenizer.json", tokenizer)
    if modules:
        listed = [{"type": f"sentence_transformers.models.{kind}", "path": place} for kind, place in modules]
        (folder / "modules.json").write_text(json.dumps(listed))
    return folder
