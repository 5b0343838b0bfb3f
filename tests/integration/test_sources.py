"""Checkpoints that came quantised, .gguf files and adapters: through the command line to a bundle that answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from edgeslm.cli.main import main
from edgeslm_agent.bundle import open_bundle
from support.checkpoints import build_checkpoint, case_named
from support.gguf_files import write_gguf
from support.quantized_layouts import awq, draw, linear_shapes, write_quantized
from support.references import TESTS
from support.tiny import tiny_case

if TYPE_CHECKING:
    from pathlib import Path

    from edgeslm_agent.contract.manifest import Manifest

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def text(tmp_path: Path) -> Path:
    file = tmp_path / "text.txt"
    file.write_text("abc de fgh ijkl mno pqrs tuv wxyz " * 40)
    return file


def exported(model: object, *more: object) -> Manifest:
    """Export for a board, judged on the text, and return the manifest."""
    board = ("--device", "raspberry-pi-5", "-o", "out", "--text", "text.txt", "--json")
    assert main(["export", str(model), *board, *map(str, more)]) == 0
    return open_bundle("out").manifest


@pytest.mark.usefixtures("text")
def test_codes_of_awq_become_a_bundle_in_their_own_recipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    layers = {module: awq(module, draw(shape, 4, 32, symmetric=False)) for module, shape in linear_shapes().items()}
    said = {"quant_method": "awq", "bits": 4, "group_size": 32, "zero_point": True, "version": "gemm"}
    folder = write_quantized(tmp_path / "quantised", said, layers)
    assert exported(folder, "--gate", "none").recipe == "wu4b32-afp32-hi8b32"
    capsys.readouterr()
    assert main(["eval", "out", "--text", "text.txt", "--reference", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kld_mean"] < 1e-3  # only embedding and head were rounded


@pytest.mark.usefixtures("text", "capsys")
def test_a_gguf_file_becomes_a_bundle_with_its_tokenizer(tmp_path: Path) -> None:
    write_gguf(tmp_path / "small.gguf", tiny_case(intermediate_size=160), {"": "Q8_0"})
    manifest = exported(tmp_path / "small.gguf", "--gate", "balanced")
    assert (manifest.recipe, manifest.model.source) == ("wi8b32-afp32", "file:small.gguf")
    assert main(["run", "out", "abba", "--max-tokens", "4", "--json"]) == 0


@pytest.mark.usefixtures("text", "capsys")
def test_an_adapter_is_part_of_what_the_manifest_names(tmp_path: Path) -> None:
    folder = build_checkpoint(case_named("llama-untied-bf16-sharded"), tmp_path / "base")
    plain = exported(folder, "--recipe", "fp32", "--gate", "none")
    adapter = TESTS / "references" / "adapters" / "plain"
    merged = exported(folder, "--recipe", "fp32", "--gate", "none", "--adapter", adapter, "--force")
    assert merged.model.source == "folder:base+plain"
    assert merged.model.digest != plain.model.digest
    assert merged.variant.startswith("base+plain_fp32")
    judge = ["eval", "out", "--text", "text.txt", "--reference", str(folder)]
    assert main(judge) == 6  # the base is not what the bundle was made from
    assert main([*judge, "--adapter", str(adapter), "--gate", "lossless"]) == 0
