"""The in-place cache computes what one call over everything computes, and foreign errors become ours."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from edgeslm_agent.engine.runtime import onnx as module
from edgeslm_agent.engine.runtime.onnx import OnnxRuntime, check_version
from edgeslm_agent.errors import Corrupt, EdgeSLMError, EnvironmentProblem, Incompatible, MissingExtra
from support.toy_graph import VOCABULARY, one_shot_logits, toy_shape, write_toy_graph

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from edgeslm_agent.contract.manifest import DecoderShape

IDS = np.random.default_rng(5).integers(0, VOCABULARY, 60).tolist()


def test_loading_the_package_leaves_nothing_of_its_makers_telemetry(tmp_path: Path) -> None:
    code = "from edgeslm_agent.engine.runtime.onnx import load_onnxruntime; load_onnxruntime()"
    places = {"HOME": str(tmp_path), "TMPDIR": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    clean = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    subprocess.run([sys.executable, "-c", code], env={**clean, **places}, check=True)
    assert list(tmp_path.rglob("*")) == []


@pytest.fixture(scope="module", params=[False, True], ids=["rotary-inside", "position-ids"])
def toy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DecoderShape]:
    file = tmp_path_factory.mktemp("graph") / "model.onnx"
    write_toy_graph(file, positions=request.param)
    return file, toy_shape(positions=request.param)


def opened(toy: tuple[Path, DecoderShape], *, rows: int = 16, score_rows: int = 8) -> OnnxRuntime:
    return OnnxRuntime(toy[0], toy[1], min_version="1.17", threads=1, prefill_rows=rows, score_rows=score_rows)


def oracle(toy: tuple[Path, DecoderShape]) -> NDArray[np.float32]:
    return one_shot_logits(toy[0], IDS, positions=toy[1].position_ids)


@pytest.mark.parametrize("rows", [1, 7, 16, 60, 64, 500])
def test_prefill_in_chunks_of_any_size_is_the_one_shot(toy: tuple[Path, DecoderShape], rows: int) -> None:
    np.testing.assert_allclose(opened(toy, rows=rows).prefill(IDS, 0), oracle(toy)[-1], atol=1e-5)


def test_stepping_token_by_token_is_the_one_shot(toy: tuple[Path, DecoderShape]) -> None:
    runtime = opened(toy)
    runtime.prefill(IDS[:20], 0)
    stepped = [runtime.step(token, past).copy() for past, token in enumerate(IDS[20:], start=20)]
    np.testing.assert_allclose(stepped, oracle(toy)[20:], atol=1e-5)


def test_scores_by_chunks_are_the_one_shot(toy: tuple[Path, DecoderShape]) -> None:
    runtime = opened(toy, score_rows=8)
    parts = [runtime.score(IDS[start : start + 8], start).copy() for start in range(0, 60, 8)]
    assert parts[-1].shape == (4, VOCABULARY)
    np.testing.assert_allclose(np.concatenate(parts), oracle(toy), atol=1e-5)


def test_going_back_forgets_what_came_after(toy: tuple[Path, DecoderShape]) -> None:
    runtime = opened(toy)
    runtime.prefill([1, 2, 3, *[9] * 40], 0)
    runtime.prefill(IDS[:10], 0)
    np.testing.assert_allclose(runtime.prefill(IDS[10:], 10), oracle(toy)[-1], atol=1e-5)


def test_kinds_of_calls_may_follow_each_other(toy: tuple[Path, DecoderShape]) -> None:
    runtime, expected = opened(toy), oracle(toy)
    for _ in range(2):
        np.testing.assert_allclose(runtime.score(IDS[:5], 0), expected[:5], atol=1e-5)
        np.testing.assert_allclose(runtime.step(IDS[5], 5), expected[5], atol=1e-5)
        np.testing.assert_allclose(runtime.score(IDS[6:7], 6), expected[6:7], atol=1e-5)
        np.testing.assert_allclose(runtime.prefill(IDS[7:9], 7), expected[8], atol=1e-5)


def test_the_last_place_of_the_context_is_usable(toy: tuple[Path, DecoderShape]) -> None:
    runtime = opened((toy[0], replace(toy[1], context=60)))
    runtime.prefill(IDS[:59], 0)
    np.testing.assert_allclose(runtime.step(IDS[59], 59), oracle(toy)[-1], atol=1e-5)


def test_a_closed_runtime_says_so(toy: tuple[Path, DecoderShape]) -> None:
    runtime = opened(toy)
    runtime.close()
    runtime.close()
    with pytest.raises(EdgeSLMError, match="closed"):
        runtime.step(1, 0)


@pytest.mark.parametrize("data", [b"", b"not a graph", b"\x08"])
def test_a_file_that_is_no_graph_is_corrupt(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "model.onnx").write_bytes(data)
    with pytest.raises(Corrupt, match=r"cannot load model\.onnx"):
        opened((tmp_path / "model.onnx", toy_shape()))


def test_an_operator_that_the_runtime_lacks_is_incompatible_and_versions_are_named(tmp_path: Path) -> None:
    write_toy_graph(tmp_path / "model.onnx", domain="com.example.later")
    with pytest.raises(Incompatible, match=r"onnxruntime \d+\.\d+.*GroupQueryAttention") as caught:
        opened((tmp_path / "model.onnx", toy_shape()))
    assert "upgrade onnxruntime" in caught.value.hint


@pytest.mark.parametrize("field", ["ir_version", "opset"])
def test_a_graph_of_a_later_format_is_incompatible(tmp_path: Path, field: str) -> None:
    write_toy_graph(tmp_path / "model.onnx")
    model = onnx.load(tmp_path / "model.onnx")
    if field == "ir_version":
        model.ir_version = 1000
    else:
        model.opset_import[0].version = 1000
    onnx.save(model, tmp_path / "model.onnx")
    with pytest.raises(Incompatible):
        opened((tmp_path / "model.onnx", toy_shape()))


def test_a_missing_weights_file_is_corrupt(tmp_path: Path) -> None:
    write_toy_graph(tmp_path / "model.onnx")
    model = onnx.load(tmp_path / "model.onnx")
    onnx.save(model, tmp_path / "model.onnx", save_as_external_data=True, location="model.onnx.data", size_threshold=0)
    opened((tmp_path / "model.onnx", toy_shape()))
    (tmp_path / "model.onnx.data").unlink()
    with pytest.raises(Corrupt):
        opened((tmp_path / "model.onnx", toy_shape()))


def test_a_graph_with_other_inputs_is_incompatible_and_they_are_named(tmp_path: Path) -> None:
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "other", ports[:1], ports[1:])
    opsets = [helper.make_opsetid("", 21)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), tmp_path / "model.onnx")
    with pytest.raises(Incompatible, match="input_ids"):
        opened((tmp_path / "model.onnx", toy_shape()))


def test_a_manifest_of_another_graph_is_incompatible(toy: tuple[Path, DecoderShape]) -> None:
    with pytest.raises(Incompatible, match=r"past_key_values\.2\.key"):
        opened((toy[0], replace(toy[1], layers=3)))
    with pytest.raises(Incompatible, match="position_ids"):
        opened((toy[0], replace(toy[1], position_ids=not toy[1].position_ids)))


def test_shapes_that_the_graph_refuses_are_corrupt_and_not_a_crash(toy: tuple[Path, DecoderShape]) -> None:
    with pytest.raises(Corrupt, match="the graph failed on 1 tokens after 0"):
        opened((toy[0], replace(toy[1], head_size=8))).step(1, 0)


def test_a_cache_larger_than_the_machine_is_a_problem_of_the_machine(toy: tuple[Path, DecoderShape]) -> None:
    with pytest.raises(EnvironmentProblem, match="KV cache"):
        opened((toy[0], replace(toy[1], kv_heads=1 << 30, context=1 << 20)))


def test_an_older_runtime_than_needed_is_incompatible() -> None:
    check_version("1.31.1", "1.20")
    check_version("1.20.0rc1", "1.20")
    with pytest.raises(Incompatible, match=r"needs onnxruntime 1\.21, installed is 1\.9\.0"):
        check_version("1.9.0", "1.21")


def test_without_the_package_the_error_says_what_to_install(
    toy: tuple[Path, DecoderShape], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "find_spec", lambda _name: None)
    with pytest.raises(MissingExtra) as caught:
        opened(toy)
    assert caught.value.hint == 'pip install "edgeslm[ort]"'
