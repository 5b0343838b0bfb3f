"""The written graphs compute what they should, through onnxruntime directly."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
import pytest

from edgeslm_exporters.architectures import known
from edgeslm_exporters.checkpoint import open_checkpoint
from edgeslm_exporters.quantize.blockwise import quantize_rows
from edgeslm_exporters.quantized_rows import Blocks
from support.checkpoints import CASES, Case, build_checkpoint, case_named, random_weights
from support.hf_layout import write_weights
from support.tiny import CONTEXT, converted, reference_logits, tiny_case, tiny_checkpoint, weights_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from edgeslm_exporters.checkpoint import Checkpoint
    from edgeslm_exporters.export import Artifact

TOKENS = [int(token) for token in np.random.default_rng(0).integers(3, 97, 24)]
RECIPES = (
    "fp32",
    "fp16",
    "wi8-afp32",
    "wi8b32-afp32",
    "wi4b32-afp32",
    "wi4b64-afp32",
    "wi4b128-afp32",
    "wu4b32-afp32",
    "wu8b16-afp32",
    "wi4-afp32",
    "wi4b32-afp32-hi8b32",
    "wu4b32-afp32-hu8",
)
SHAPES: dict[str, dict[str, object]] = {
    "tied": {"tie_word_embeddings": True},
    "untied": {},
    "odd": {"hidden_size": 48, "num_attention_heads": 2, "intermediate_size": 100, "vocab_size": 101},
    "odd-tied": {"hidden_size": 80, "head_dim": 24, "vocab_size": 131, "tie_word_embeddings": True},
    "qwen2": {"model_type": "qwen2"},
}


class Runner:
    """Runs a graph as an engine does: past and present are the same buffers. `exact` computes products in float32."""

    def __init__(self, folder: Path, artifact: Artifact, *, exact: bool = False) -> None:
        self.shape = artifact.decoder
        path = folder / artifact.decoder.graph
        model = onnx.load(path, load_external_data=False)
        for node in model.graph.node:
            for attribute in node.attribute:
                if attribute.name == "accuracy_level" and exact:
                    attribute.i = 1
        path.write_bytes(model.SerializeToString())
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        size = (1, self.shape.kv_heads, self.shape.context, self.shape.head_size)
        self.cache = {
            f"{layer}.{part}": onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros(size, np.float32))
            for layer in range(self.shape.layers)
            for part in ("key", "value")
        }

    def logits(self, tokens: Sequence[int], past: int, asked: Sequence[int]) -> NDArray[np.float32]:
        """Compute `tokens` after `past` others and return the logits at the positions asked for."""
        total = past + len(tokens)
        inputs: dict[str, NDArray[Any]] = {
            "input_ids": np.array([tokens], np.int64),
            "seqlens_k": np.array([total - 1], np.int32),
            "total_sequence_length": np.array(total, np.int32),
            "logits_positions": np.array(asked, np.int64),
        }
        if self.shape.position_ids:
            inputs["position_ids"] = np.arange(past, total)[None]
        binding = self.session.io_binding()
        for name, value in inputs.items():
            binding.bind_cpu_input(name, value)
        for name, buffer in self.cache.items():
            binding.bind_ortvalue_input(f"past_key_values.{name}", buffer)
            binding.bind_ortvalue_output(f"present.{name}", buffer)
        binding.bind_output("logits")
        self.session.run_with_iobinding(binding)
        found: NDArray[np.float32] = binding.get_outputs()[-1].numpy()[0]
        return found

    def all_logits(self, tokens: Sequence[int], chunk: int) -> NDArray[np.float32]:
        """Compute in chunks and return the logits of every position."""
        chunks = [tokens[start : start + chunk] for start in range(0, len(tokens), chunk)]
        return np.concatenate([self.logits(part, index * chunk, range(len(part))) for index, part in enumerate(chunks)])


def dequantized(checkpoint: Checkpoint, artifact: Artifact) -> dict[str, NDArray[np.float32]]:
    """The weights as the recipe rounds them."""
    weights = weights_of(checkpoint)
    for matrix in artifact.layout.matrices:
        for part in matrix.projection.parts:
            weights[part.weight] = rounded(weights[part.weight], matrix.storage)
    return weights


def rounded(values: NDArray[np.float32], storage: Blocks | str) -> NDArray[np.float32]:
    if isinstance(storage, Blocks):
        how = {"symmetric": storage.symmetric, "per_row": storage.per_row}
        return quantize_rows(values, storage.bits, storage.block, **how).dequantize(storage.bits, values.shape[1])
    return values.astype(np.float16).astype(np.float32) if storage == "fp16" else values


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_graph_computes_with_the_rounded_weights(tmp_path: Path, recipe: str, shape: str) -> None:
    checkpoint = tiny_checkpoint(tmp_path / "c", tiny_case(**SHAPES[shape]))
    artifact = converted(checkpoint, recipe, tmp_path / "out")
    weights = dequantized(checkpoint, artifact)
    expected = reference_logits(artifact.spec, weights, TOKENS)
    found = Runner(tmp_path / "out", artifact, exact=True).all_logits(TOKENS, len(TOKENS))
    assert np.abs(found - expected).max() < 1e-3


def with_rounded_weights(case: Case, artifact: Artifact, folder: Path) -> Checkpoint:
    """Build the case again with each weight as `artifact` rounds it."""
    tensors = random_weights(case)
    for matrix in artifact.layout.matrices:
        for part in matrix.projection.parts:
            whole = tensors[part.weight].T if part.transposed else tensors[part.weight]  # a view either way
            rows = whole[part.start : part.start + part.rows]
            rows[:] = rounded(np.ascontiguousarray(rows), matrix.storage)
    build_checkpoint(case, folder)
    write_weights(folder, tensors, "F32", shards=1)
    return open_checkpoint(folder)


ONE_OF_EACH = {case.family: replace(case, dtype="F32", shards=1) for case in CASES}


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["wi4b32-afp32", "wi8-afp32", "wu4b32-afp32-hi8b32"])
@pytest.mark.parametrize("family", known())
def test_every_family_computes_with_the_rounded_weights(tmp_path: Path, family: str, recipe: str) -> None:
    case = ONE_OF_EACH[family]
    artifact = converted(tiny_checkpoint(tmp_path / "c", case), recipe, tmp_path / "out")
    plain = converted(with_rounded_weights(case, artifact, tmp_path / "r"), "fp32", tmp_path / "plain")
    found = Runner(tmp_path / "out", artifact, exact=True).all_logits(case.prompt(), 20)
    expected = Runner(tmp_path / "plain", plain).all_logits(case.prompt(), 20)
    assert np.abs(found - expected).max() < 1e-3


def test_a_llama_layer_takes_ten_operators(tmp_path: Path) -> None:
    """What other families need must not slow down the plainest."""
    artifact = converted(tiny_checkpoint(tmp_path / "c"), "wi4b32-afp32", tmp_path / "out")
    nodes = onnx.load(tmp_path / "out" / artifact.decoder.graph, load_external_data=False).graph.node
    kinds = [node.op_type for node in nodes]
    layer = ["MatMulNBits", "GroupQueryAttention", "MatMulNBits", "SkipSimplifiedLayerNormalization", "MatMulNBits"]
    layer += ["Split", "QuickGelu", "Mul", "MatMulNBits", "SkipSimplifiedLayerNormalization"]
    first = ["GatherBlockQuantized", "SimplifiedLayerNormalization"]
    asked = ["Gather", "Gather"]  # of what attention returns in the last layer, and of the stream
    assert kinds == [*first, *layer, *layer[:2], *asked, *layer[2:], "MatMulNBits"]


@pytest.mark.parametrize("recipe", ["wi4b32-afp32", "wi8-afp32", "wu4b32-afp32"])
def test_int8_activations_cost_little(tmp_path: Path, recipe: str) -> None:
    """Accuracy level 4 rounds activations to int8 in blocks: near, but not equal."""
    checkpoint = tiny_checkpoint(tmp_path / "c")
    artifact = converted(checkpoint, recipe, tmp_path / "out")
    expected = reference_logits(artifact.spec, dequantized(checkpoint, artifact), TOKENS)
    found = Runner(tmp_path / "out", artifact).all_logits(TOKENS, len(TOKENS))
    assert np.abs(found - expected).max() < 0.1 * np.abs(expected).max()
    assert np.linalg.norm(found - expected) < 0.03 * np.linalg.norm(expected)


@pytest.mark.parametrize("size", [8, 16, 24, 32, 40, 48, 56, 72, 80, 128])
def test_every_head_size_that_is_a_multiple_of_8_works(tmp_path: Path, size: int) -> None:
    checkpoint = tiny_checkpoint(tmp_path / "c", tiny_case(head_dim=size))
    artifact = converted(checkpoint, "fp32", tmp_path / "out")
    expected = reference_logits(artifact.spec, weights_of(checkpoint), TOKENS)
    assert np.abs(Runner(tmp_path / "out", artifact).all_logits(TOKENS, 7) - expected).max() < 1e-4
    assert artifact.decoder.position_ids == bool(size % 16)


@pytest.mark.parametrize("window", [1, 5, CONTEXT - 1, CONTEXT, 4096])
@pytest.mark.parametrize("chunk", [1, 7, 24])
def test_a_window_sees_exactly_its_tokens_in_every_chunking(tmp_path: Path, window: int, chunk: int) -> None:
    checkpoint = tiny_checkpoint(tmp_path / "c", tiny_case(model_type="mistral", sliding_window=window))
    artifact = converted(checkpoint, "fp32", tmp_path / "out")
    expected = reference_logits(artifact.spec, weights_of(checkpoint), TOKENS)
    assert np.abs(Runner(tmp_path / "out", artifact).all_logits(TOKENS, chunk) - expected).max() < 1e-4


def test_layers_with_different_windows_see_each_their_own(tmp_path: Path) -> None:
    kinds = {"use_sliding_window": True, "sliding_window": 4, "max_window_layers": 1}
    checkpoint = tiny_checkpoint(tmp_path / "c", tiny_case(model_type="qwen2", **kinds))
    artifact = converted(checkpoint, "fp32", tmp_path / "out")
    expected = reference_logits(artifact.spec, weights_of(checkpoint), TOKENS)
    assert np.abs(Runner(tmp_path / "out", artifact).all_logits(TOKENS, 7) - expected).max() < 1e-4


def test_the_cache_can_be_filled_to_its_last_token(tmp_path: Path) -> None:
    checkpoint = tiny_checkpoint(tmp_path / "c")
    artifact = converted(checkpoint, "fp32", tmp_path / "out", context=len(TOKENS))
    expected = reference_logits(artifact.spec, weights_of(checkpoint), TOKENS)
    found = Runner(tmp_path / "out", artifact).all_logits(TOKENS, 1)
    assert np.abs(found - expected).max() < 1e-4


def test_only_the_positions_asked_for_get_logits(tmp_path: Path) -> None:
    artifact = converted(tiny_checkpoint(tmp_path / "c"), "fp32", tmp_path / "out")
    runner = Runner(tmp_path / "out", artifact)
    whole = runner.logits(TOKENS, 0, range(len(TOKENS)))
    some = runner.logits(TOKENS, 0, [23, 4])
    assert some.shape == (2, 97)
    assert np.abs(some - whole[[23, 4]]).max() < 1e-5


def test_tokens_can_be_taken_back_by_writing_over_them(tmp_path: Path) -> None:
    artifact = converted(tiny_checkpoint(tmp_path / "c"), "fp32", tmp_path / "out")
    runner = Runner(tmp_path / "out", artifact)
    first = runner.logits(TOKENS[:10], 0, [9])
    runner.logits(TOKENS[10:20], 10, [9])
    assert np.abs(runner.logits(TOKENS[8:10], 8, [1]) - first).max() < 1e-5


def test_an_embedding_and_head_of_8_bits_share_their_bytes_with_each_other(tmp_path: Path) -> None:
    checkpoint = tiny_checkpoint(tmp_path / "c", tiny_case(tie_word_embeddings=True))
    artifact = converted(checkpoint, "wi4b32-afp32-hi8b32", tmp_path / "out")
    model = onnx.load(tmp_path / "out" / artifact.decoder.graph, load_external_data=False)
    offsets = {
        tensor.name: next(entry.value for entry in tensor.external_data if entry.key == "offset")
        for tensor in model.graph.initializer
        if tensor.external_data
    }
    assert offsets["embed_tokens.codes"] == offsets["embed_tokens.rows_of_codes"]
    assert offsets["embed_tokens.scales"] == offsets["embed_tokens.rows_of_scales"]


@pytest.mark.parametrize("name", ["llama-tied-f32", "mistral-window-head24", "qwen2-f16-sharded"])
def test_a_graph_passes_the_checker_of_onnx(tmp_path: Path, name: str) -> None:
    checkpoint = tiny_checkpoint(tmp_path / "c", case_named(name))
    artifact = converted(checkpoint, "wi4b32-afp32", tmp_path / "out")
    path = tmp_path / "out" / artifact.decoder.graph
    model = onnx.load(path, load_external_data=False)
    for node in model.graph.node:
        if node.op_type == "SimplifiedLayerNormalization":
            node.domain = "com.microsoft"  # onnxruntime keeps it in the standard domain, where onnx does not know it
    path.write_bytes(model.SerializeToString())
    onnx.checker.check_model(path)
