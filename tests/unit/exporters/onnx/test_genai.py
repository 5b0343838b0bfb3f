"""The second graph answers from tokens and a mask as the first does, from the same data file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
import pytest

from edgeslm_agent.engine.runtime.kv_cache import allocate_cache
from edgeslm_exporters.checkpoint import open_checkpoint
from edgeslm_exporters.export import convert
from edgeslm_exporters.onnx.linter import lint
from edgeslm_exporters.recipe import parse_recipe
from support.checkpoints import build_checkpoint, case_named
from support.tiny import CONTEXT, converted, tiny_case, tiny_checkpoint

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from edgeslm_exporters.checkpoint import Checkpoint
    from edgeslm_exporters.export import Artifact

CASES = (
    "llama-tied-f32",
    "llama-head8",
    "llama-head24-explicit",
    "mistral-window",
    "qwen2-f16-sharded",
    "gemma3-pattern",
    "gpt2",
    "bloom-6-heads",
    "mixtral",
)
SPLITS = (7, 1, 5, 1, 1)  # tokens a call: a prompt, a step, a second turn on top of the cache, two steps


class Runner:
    """Runs one of the graphs with past and present in the same buffers."""

    def __init__(self, folder: Path, graph: str, artifact: Artifact) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        path = folder / "artifacts" / graph
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        shape = artifact.decoder
        names = [f"{layer}.{part}" for layer in range(shape.layers) for part in ("key", "value")]
        tensors = map(onnxruntime.OrtValue.ortvalue_from_numpy, allocate_cache(shape))
        self.cache = dict(zip(names, tensors, strict=True))

    def logits(self, inputs: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Return the logits [1, asked, vocab] of one call."""
        binding = self.session.io_binding()
        for name, value in inputs.items():
            binding.bind_cpu_input(name, value)
        for name, buffer in self.cache.items():
            binding.bind_ortvalue_input(f"past_key_values.{name}", buffer)
            binding.bind_ortvalue_output(f"present.{name}", buffer)
        binding.bind_output("logits")
        self.session.run_with_iobinding(binding)
        found: NDArray[np.float32] = binding.get_outputs()[-1].numpy()
        return found


def with_genai(checkpoint: Checkpoint, out: Path, recipe: str = "wi4b32-afp32") -> Artifact:
    out.mkdir()
    return convert(checkpoint, parse_recipe(recipe), CONTEXT, out, calibration=[range(3, 60)], genai=True)


def engine_inputs(tokens: NDArray[np.int64], past: int, *, positions: bool) -> dict[str, NDArray[Any]]:
    total = past + len(tokens)
    inputs: dict[str, NDArray[Any]] = {
        "input_ids": tokens[None],
        "seqlens_k": np.array([total - 1], np.int32),
        "total_sequence_length": np.array(total, np.int32),
        "logits_positions": np.array([len(tokens) - 1], np.int64),
    }
    return inputs | ({"position_ids": np.arange(past, total)[None]} if positions else {})


@pytest.mark.slow
@pytest.mark.parametrize("mask_length", [None, CONTEXT], ids=["mask of the total", "mask of the context"])
@pytest.mark.parametrize("recipe", ["fp32", "wi4b32-afp32", "wi4b32-afp32-kv8", "wi4b32-afp32-kv4"])
@pytest.mark.parametrize("name", CASES)
def test_prompt_and_steps_give_the_logits_of_the_first_graph(
    tmp_path: Path, name: str, recipe: str, mask_length: int | None
) -> None:
    case = case_named(name)
    artifact = with_genai(tiny_checkpoint(tmp_path / "c", case), tmp_path / "out", recipe)
    ours, theirs = (Runner(tmp_path / "out", graph, artifact) for graph in ("model.onnx", "genai.onnx"))
    prompt, past = np.array(case.prompt(), np.int64), 0
    for count in SPLITS:
        tokens, total = prompt[past : past + count], past + count
        mask = (np.arange(mask_length or total) < total).astype(np.int64)[None]
        expected = ours.logits(engine_inputs(tokens, past, positions=artifact.decoder.position_ids))
        found = theirs.logits({"input_ids": tokens[None], "attention_mask": mask})
        assert found.shape == (1, 1, artifact.spec.vocab)
        assert (found == expected).all()
        past = total


def test_inputs_and_outputs_are_those_of_onnxruntime_genai(tmp_path: Path) -> None:
    artifact = with_genai(tiny_checkpoint(tmp_path / "c", case_named("llama-head8")), tmp_path / "out")
    graph = onnx.load(tmp_path / "out/artifacts/genai.onnx", load_external_data=False).graph
    layers = range(artifact.spec.layers)
    pasts = {f"past_key_values.{layer}.{part}" for layer in layers for part in ("key", "value")}
    assert {value.name for value in graph.input} == {"input_ids", "attention_mask", *pasts}
    presents = {f"present.{layer}.{part}" for layer in layers for part in ("key", "value")}
    assert {value.name for value in graph.output} == {"logits", *presents}


def test_both_graphs_read_the_same_bytes_of_one_file(tmp_path: Path) -> None:
    with_genai(tiny_checkpoint(tmp_path / "c"), tmp_path / "out")

    def places(graph: str) -> dict[str, list[tuple[str, str]]]:
        model = onnx.load(tmp_path / "out/artifacts" / graph, load_external_data=False)
        stored = [tensor for tensor in model.graph.initializer if tensor.external_data]
        return {tensor.name: [(entry.key, entry.value) for entry in tensor.external_data] for tensor in stored}

    assert places("genai.onnx") == places("model.onnx")


@pytest.mark.parametrize("name", CASES)
def test_the_linter_accepts_every_graph(tmp_path: Path, name: str) -> None:
    artifact = with_genai(tiny_checkpoint(tmp_path / "c", case_named(name)), tmp_path / "out")
    assert artifact.graphs == ("artifacts/model.onnx", "artifacts/genai.onnx")
    assert [lint(tmp_path / "out" / graph, None) for graph in artifact.graphs] == [(), ()]


def test_equal_inputs_give_equal_bytes_and_the_other_files_do_not_change(tmp_path: Path) -> None:
    checkpoint = tiny_checkpoint(tmp_path / "c")
    first = with_genai(checkpoint, tmp_path / "one").files
    assert with_genai(checkpoint, tmp_path / "two").files == first
    assert converted(checkpoint, "wi4b32-afp32", tmp_path / "plain").files == first[:2]
    assert [entry.path for entry in first[2:]] == ["artifacts/genai.onnx", "artifacts/genai_config.json"]


def test_the_config_describes_the_graph(tmp_path: Path) -> None:
    artifact = with_genai(tiny_checkpoint(tmp_path / "c", case_named("llama-head24-explicit")), tmp_path / "out")
    config = json.loads((tmp_path / "out/artifacts/genai_config.json").read_text())
    model, decoder, spec = config["model"], config["model"]["decoder"], artifact.spec
    assert (model["type"], model["vocab_size"], model["context_length"]) == ("decoder", spec.vocab, CONTEXT)
    assert (model["bos_token_id"], model["eos_token_id"], model["pad_token_id"]) == (1, [2], 2)
    shape = ("head_size", "num_attention_heads", "num_key_value_heads", "num_hidden_layers", "hidden_size")
    assert [decoder[key] for key in shape] == [24, 4, 2, 2, 80]
    assert decoder["filename"] == "genai.onnx"
    graph = onnx.load(tmp_path / "out/artifacts/genai.onnx", load_external_data=False).graph
    inputs = {name.replace("%d", "1") for name in decoder["inputs"].values()}
    assert inputs <= {value.name for value in graph.input}
    assert {name.replace("%d", "1") for name in decoder["outputs"].values()} <= {value.name for value in graph.output}
    assert config["search"]["max_length"] == CONTEXT
    assert config["search"]["past_present_share_buffer"] is True


def test_a_checkpoint_without_special_tokens_names_none(tmp_path: Path) -> None:
    folder = build_checkpoint(tiny_case(), tmp_path / "c")
    (folder / "tokenizer_config.json").write_text("{}")
    with_genai(open_checkpoint(folder), tmp_path / "out")
    model = json.loads((tmp_path / "out/artifacts/genai_config.json").read_text())["model"]
    assert not {"bos_token_id", "eos_token_id", "pad_token_id"} & set(model)
