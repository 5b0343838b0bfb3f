"""A tiny decoder that honours the graph contract of the engine, written by hand, and a whole bundle around it.

It is no copy of what the exporter writes: float weights inside the graph, no norms, no MLP. It has what the engine
drives: two layers of in-place KV cache, the sequence scalars, asked positions, and optionally `position_ids`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from edgeslm_agent.contract.manifest import (
    ChatFormat,
    DecoderShape,
    FileEntry,
    Limits,
    Manifest,
    ModelSource,
    Probe,
    RuntimeRequirement,
)

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

LAYERS, HEADS, KV_HEADS, HEAD_SIZE, HIDDEN = 2, 2, 1, 16, 32
SPECIALS = ("<s>", "</s>", "<user>", "<bot>")
VOCABULARY = 256 + len(SPECIALS)
BOS, EOS = 256, 257
LONGEST = 128
GRAPH, TOKENIZER = "artifacts/model.onnx", "tokenizer/tokenizer.json"
PROBE = (72, 101, 108, 108, 111)
_SPEAKER = ["if", ["eq", ["get", ["name", "message"], "role"], "user"], ["<user>"], ["<bot>"]]
_SPOKEN = ["put", ["get", ["name", "message"], "content"]]
TOY_CHAT = json.dumps(["<s>", ["for", "message", ["name", "messages"], True, [_SPEAKER, _SPOKEN], []], "<bot>"])


def write_toy_graph(file: Path, *, positions: bool = False, seed: int = 7, domain: str = "com.microsoft") -> None:
    """Write the graph; with `positions` a learned position table is added and nothing is rotated."""
    random = np.random.default_rng(seed)
    initializers = [
        _weight(random, "embedding", VOCABULARY, HIDDEN),
        _weight(random, "head", HIDDEN, VOCABULARY),
        *([_weight(random, "position_table", LONGEST, HIDDEN)] if positions else _rotary_tables()),
    ]
    nodes = [helper.make_node("Gather", ["embedding", "input_ids"], ["embedded"])]
    hidden = "embedded"
    if positions:
        nodes.append(helper.make_node("Gather", ["position_table", "position_ids"], ["placed"]))
        nodes.append(helper.make_node("Add", ["embedded", "placed"], ["hidden"]))
        hidden = "hidden"
    for layer in range(LAYERS):
        hidden = _layer(nodes, layer, hidden, rotary=not positions, domain=domain)
        initializers.append(_weight(random, f"qkv{layer}", HIDDEN, (HEADS + 2 * KV_HEADS) * HEAD_SIZE))
        initializers.append(_weight(random, f"out{layer}", HEADS * HEAD_SIZE, HIDDEN))
    nodes.append(helper.make_node("Gather", [hidden, "logits_positions"], ["asked"], axis=1))
    nodes.append(helper.make_node("MatMul", ["asked", "head"], ["logits"]))
    graph = helper.make_graph(nodes, "toy", _inputs(positions=positions), _outputs(), initializers)
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid(domain, 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), file)


def _layer(nodes: list[onnx.NodeProto], layer: int, hidden: str, *, rotary: bool, domain: str) -> str:
    nodes.append(helper.make_node("MatMul", [hidden, f"qkv{layer}"], [f"qkv_out{layer}"]))
    past = [f"past_key_values.{layer}.{part}" for part in ("key", "value")]
    present = [f"present.{layer}.{part}" for part in ("key", "value")]
    scalars = ["seqlens_k", "total_sequence_length", *(["cos", "sin"] if rotary else [])]
    nodes.append(
        helper.make_node(
            "GroupQueryAttention",
            [f"qkv_out{layer}", "", "", *past, *scalars],
            [f"attended{layer}", *present],
            domain=domain,
            num_heads=HEADS,
            kv_num_heads=KV_HEADS,
            do_rotary=int(rotary),
        )
    )
    nodes.append(helper.make_node("MatMul", [f"attended{layer}", f"out{layer}"], [f"projected{layer}"]))
    nodes.append(helper.make_node("Add", [hidden, f"projected{layer}"], [f"hidden{layer}"]))
    return f"hidden{layer}"


def _weight(random: np.random.Generator, name: str, rows: int, columns: int) -> TensorProto:
    return numpy_helper.from_array(random.standard_normal((rows, columns), np.float32) / np.float32(rows**0.5), name)


def _rotary_tables() -> list[TensorProto]:
    angles = np.outer(np.arange(LONGEST), 1e4 ** (-np.arange(0, HEAD_SIZE, 2) / HEAD_SIZE))
    tables = {"cos": np.cos(angles), "sin": np.sin(angles)}
    return [numpy_helper.from_array(table.astype(np.float32), name) for name, table in tables.items()]


def _inputs(*, positions: bool) -> list[onnx.ValueInfoProto]:
    known = [
        helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, "S"]),
        helper.make_tensor_value_info("seqlens_k", TensorProto.INT32, [1]),
        helper.make_tensor_value_info("total_sequence_length", TensorProto.INT32, []),
        helper.make_tensor_value_info("logits_positions", TensorProto.INT64, ["P"]),
    ]
    if positions:
        known.append(helper.make_tensor_value_info("position_ids", TensorProto.INT64, [1, "S"]))
    return known + _caches("past_key_values")


def _outputs() -> list[onnx.ValueInfoProto]:
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, "P", VOCABULARY])
    return [logits, *_caches("present")]


def _caches(prefix: str) -> list[onnx.ValueInfoProto]:
    shape: list[int | str] = [1, KV_HEADS, "C", HEAD_SIZE]
    return [
        helper.make_tensor_value_info(f"{prefix}.{layer}.{part}", TensorProto.FLOAT, shape)
        for layer in range(LAYERS)
        for part in ("key", "value")
    ]


def one_shot_logits(graph: Path, ids: list[int], *, positions: bool = False) -> NDArray[np.float32]:
    """Return the logits [len, vocab] of one call over all `ids` with an empty cache that nobody shares: the oracle."""
    cache = np.zeros((1, KV_HEADS, len(ids), HEAD_SIZE), np.float32)
    feeds = {
        "input_ids": np.array([ids], np.int64),
        "seqlens_k": np.array([len(ids) - 1], np.int32),
        "total_sequence_length": np.array(len(ids), np.int32),
        "logits_positions": np.arange(len(ids), dtype=np.int64),
    } | {f"past_key_values.{layer}.{part}": cache.copy() for layer in range(LAYERS) for part in ("key", "value")}
    if positions:
        feeds["position_ids"] = np.arange(len(ids), dtype=np.int64)[None]
    session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    logits: NDArray[np.float32] = session.run(["logits"], feeds)[0][0]
    return logits


def toy_shape(*, context: int = 64, positions: bool = False) -> DecoderShape:
    """Return what the manifest says about the toy graph."""
    return DecoderShape(GRAPH, LAYERS, KV_HEADS, HEAD_SIZE, VOCABULARY, context, positions, kv_bits=32)


def write_toy_tokenizer(file: Path) -> None:
    """Write a tokenizer with one token a byte (ids 0..255 are the bytes) and four special ones."""
    names = _byte_names()
    tokenizer = Tokenizer(models.BPE({names[byte]: byte for byte in range(256)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in SPECIALS])
    tokenizer.save(str(file))


def _byte_names() -> list[str]:
    """Return the printable character by which byte-level tokenizers write each byte (GPT-2's table)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = iter(range(0x100, 0x200))
    return [chr(byte) if byte in printable else chr(next(others)) for byte in range(256)]


def toy_manifest(*, context: int = 64, positions: bool = False) -> Manifest:
    """Return a manifest of the toy without files and with a probe nobody has checked."""
    return Manifest(
        variant="toy_fp32_onnx_64",
        recipe="fp32",
        format="onnx",
        context=context,
        model=ModelSource("toy", "tests", "", "0" * 64, "toy", 1),
        runtime=RuntimeRequirement("onnxruntime", "1.17"),
        decoder=toy_shape(context=context, positions=positions),
        tokenizer=TOKENIZER,
        bos_token_id=BOS,
        stop_token_ids=(EOS,),
        chat=ChatFormat(TOY_CHAT, system=False, turns=True, thinking=False),
        limits=Limits(max_prompt_tokens=context, max_tokens=context),
        probe=Probe(PROBE, (0,)),
        files=(),
        tools={},
    )


def write_toy_bundle(folder: Path, *, context: int = 64, positions: bool = False, **changes: object) -> Path:
    """Write a sound bundle; `changes` replace fields of its manifest. Returns the folder."""
    for name in ("artifacts", "tokenizer"):
        (folder / name).mkdir(parents=True)
    write_toy_graph(folder / GRAPH, positions=positions)
    write_toy_tokenizer(folder / TOKENIZER)
    top = one_shot_logits(folder / GRAPH, list(PROBE), positions=positions)[-1].argsort()[::-1][:5]
    manifest = replace(
        toy_manifest(context=context, positions=positions),
        probe=Probe(PROBE, tuple(int(token) for token in top)),
        files=tuple(file_entry(folder, path) for path in (GRAPH, TOKENIZER)),
    )
    changed = replace(manifest, **changes)  # type: ignore[arg-type]  # fields of the test's choice
    (folder / "manifest.json").write_bytes(changed.to_bytes())
    return folder


def file_entry(folder: Path, path: str) -> FileEntry:
    """Return what a manifest says about a file of the bundle."""
    data = (folder / path).read_bytes()
    return FileEntry(path, len(data), hashlib.sha256(data).hexdigest())


def edit_manifest(folder: Path, **changes: object) -> None:
    """Replace keys of a written manifest.json as plain JSON, past every check."""
    file = folder / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
