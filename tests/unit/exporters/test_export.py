from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest

from edgeslm_agent.errors import BadCheckpoint, EnvironmentProblem, UnsupportedOperator
from edgeslm_exporters import export, row_stream
from edgeslm_exporters.checkpoint import open_checkpoint
from edgeslm_exporters.export import work_units
from edgeslm_exporters.recipe import parse_recipe
from support.checkpoints import CASES, build_checkpoint, random_weights
from support.hf_layout import word_tokenizer, write_weights
from support.tiny import converted, tiny_case, tiny_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

    from support.checkpoints import Case

RECIPES = ("fp32", "fp16", "wi8-afp32", "wi8b32-afp32", "wi4b32-afp32", "wi4b64-afp32", "wi4b128-afp32", "wu4b32-afp32")


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_layout_is_exact_to_the_byte(tmp_path: Path, case: Case, recipe: str) -> None:
    artifact = converted(tiny_checkpoint(tmp_path / "c", case), recipe, tmp_path / "out")
    data = tmp_path / "out" / "artifacts" / "model.onnx.data"
    assert data.stat().st_size == artifact.layout.weights_bytes


@pytest.mark.parametrize("recipe", ["fp32", "wi4b32-afp32", "wu4b32-afp32-hu8"])
def test_converting_twice_gives_the_same_bytes_whatever_the_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recipe: str
) -> None:
    checkpoint = tiny_checkpoint(tmp_path / "c")
    first = converted(checkpoint, recipe, tmp_path / "one")
    monkeypatch.setattr(export, "_threads", lambda: 1)
    monkeypatch.setattr(row_stream, "ROW_BLOCK", 300)
    assert converted(checkpoint, recipe, tmp_path / "two").files == first.files


def test_the_same_weights_in_shards_give_the_same_bytes(tmp_path: Path) -> None:
    case = tiny_case()
    whole = tiny_checkpoint(tmp_path / "c", case)
    folder = build_checkpoint(case, tmp_path / "s")
    (folder / "model.safetensors").unlink()
    write_weights(folder, random_weights(case), "F32", 3)
    first = converted(whole, "wi4b32-afp32", tmp_path / "one")
    assert converted(open_checkpoint(folder), "wi4b32-afp32", tmp_path / "two").files == first.files


def test_files_are_listed_with_their_sizes_and_hashes(tmp_path: Path) -> None:
    artifact = converted(tiny_checkpoint(tmp_path / "c"), "wi4b32-afp32", tmp_path / "out")
    assert {entry.path for entry in artifact.files} == {"artifacts/model.onnx", "artifacts/model.onnx.data"}
    for entry in artifact.files:
        data = (tmp_path / "out" / entry.path).read_bytes()
        assert (entry.bytes, entry.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    names = {path.name for path in (tmp_path / "out" / "artifacts").iterdir()}
    assert names == {"model.onnx", "model.onnx.data"}


def test_progress_ends_at_the_units_announced(tmp_path: Path) -> None:
    checkpoint = tiny_checkpoint(tmp_path / "c")
    (tmp_path / "out").mkdir()
    done: list[int] = []
    artifact = export.convert(checkpoint, parse_recipe("fp32"), 64, tmp_path / "out", advance=done.append)
    assert sum(done) == work_units(artifact.spec, artifact.recipe)


def test_every_weight_lies_where_the_layout_says(tmp_path: Path) -> None:
    checkpoint = tiny_checkpoint(tmp_path / "c")
    artifact = converted(checkpoint, "fp32", tmp_path / "out")
    data = (tmp_path / "out" / "artifacts" / "model.onnx.data").read_bytes()
    place = artifact.layout.by_name["layers.1.gate_up.weight"]
    found = np.frombuffer(data, np.float32, place.bytes // 4, place.offset).reshape(place.shape)
    parts = [checkpoint.rows(f"model.layers.1.mlp.{which}_proj.weight", 0, 172) for which in ("gate", "up")]
    assert (found == np.concatenate(parts)).all()


def test_a_weight_that_is_not_finite_is_named(tmp_path: Path) -> None:
    case = tiny_case()
    folder = build_checkpoint(case, tmp_path / "c")
    weights = random_weights(case)
    weights["model.layers.1.mlp.down_proj.weight"][5, 7] = np.nan
    write_weights(folder, weights, "BF16", 1)
    with pytest.raises(BadCheckpoint, match=r"model\.layers\.1\.mlp\.down_proj\.weight holds NaN"):
        converted(open_checkpoint(folder), "wi4b32-afp32", tmp_path / "out")


def test_a_weight_too_large_for_fp16_is_named(tmp_path: Path) -> None:
    case = tiny_case()
    folder = build_checkpoint(case, tmp_path / "c")
    weights = random_weights(case)
    weights["lm_head.weight"][5, 7] = 1e6
    write_weights(folder, weights, "F32", 1)
    with pytest.raises(UnsupportedOperator, match=r"lm_head\.weight"):
        converted(open_checkpoint(folder), "fp16", tmp_path / "out")


def test_a_tokenizer_larger_than_the_vocabulary_is_refused_with_both_sizes(tmp_path: Path) -> None:
    folder = build_checkpoint(tiny_case(), tmp_path / "c")
    (folder / "tokenizer.json").write_text(json.dumps(word_tokenizer(98)))
    with pytest.raises(BadCheckpoint, match=r"98 tokens, the model a vocabulary of 97"):
        converted(open_checkpoint(folder), "fp32", tmp_path / "out")


def test_a_small_disk_is_noticed_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _path: Usage(10**6, 10**6, 1000))
    with pytest.raises(EnvironmentProblem, match="has 0 MB free") as raised:
        converted(tiny_checkpoint(tmp_path / "c"), "fp32", tmp_path / "out")
    assert "-o" in raised.value.hint
    assert not any((tmp_path / "out").iterdir())


def test_a_disk_that_fills_up_while_writing_is_a_problem_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.write", full)
    with pytest.raises(EnvironmentProblem, match="the disk is full"):
        converted(tiny_checkpoint(tmp_path / "c"), "fp32", tmp_path / "out")


def test_an_interruption_comes_through_at_once(tmp_path: Path) -> None:
    def interrupt(_done: int) -> None:
        raise KeyboardInterrupt

    (tmp_path / "out").mkdir()
    with pytest.raises(KeyboardInterrupt):
        export.convert(
            tiny_checkpoint(tmp_path / "c"), parse_recipe("wi4b32-afp32"), 64, tmp_path / "out", advance=interrupt
        )


def test_a_decoder_needs_no_package_onnx(tmp_path: Path) -> None:
    without = "import sys; sys.modules['onnx'] = None; from edgeslm.cli.main import main; sys.exit(main(sys.argv[1:]))"
    out = tmp_path / "b"
    how = ["--device", "raspberry-pi-5", "--recipe", "wi4b32-afp32", "--gate", "none", "--no-measure", "--genai"]
    for command in (["export", *how, "-o", str(out)], ["select", *how[:2], "--gate", "none", str(out)]):
        done = subprocess.run([sys.executable, "-c", without, *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
