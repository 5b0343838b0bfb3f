"""`edgeslm export --litertlm`: the bundle once more as one file, with what LiteRT-LM must know of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgeslm.adopt import adopt
from edgeslm.cli.main import main
from edgeslm_agent.bundle import open_bundle
from edgeslm_agent.engine.session import Session
from edgeslm_exporters.tflite.litertlm import read_litertlm

if TYPE_CHECKING:
    from pathlib import Path

HOW = ["export", "--device", "x86-avx2-generic", "--recipe", "wi8-afp32", "--gate", "none", "--no-measure"]


def test_the_built_in_model_is_packed_with_its_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packed, out = tmp_path / "home.litertlm", tmp_path / "home"
    assert main([*HOW, "--format", "tflite", "-o", str(out), "--litertlm", str(packed)]) == 0
    assert f"for LiteRT-LM: {packed} ({packed.stat().st_size} bytes)" in capsys.readouterr().out
    bundle, found = open_bundle(out), read_litertlm(packed)
    manifest = bundle.manifest
    data = packed.read_bytes()[found.begin : found.begin + found.size]
    assert data == bundle.file(manifest.graph).read_bytes()
    assert (found.metadata.context, found.metadata.stops, found.metadata.start) == (256, (3,), None)
    adopted = adopt(packed, out=tmp_path / "back")
    assert adopted.manifest.stop_token_ids == manifest.stop_token_ids
    with Session.open(bundle) as ours, Session.open(adopted) as theirs:
        asked = "set the bedroom to 19 degrees"
        assert theirs.encode_prompt(asked) == ours.encode_prompt(asked)
        assert theirs.complete(asked).text == ours.complete(asked).text != ""


@pytest.mark.parametrize("formats", [[], ["--format", "onnx"], ["--format", "onnx", "--format", "tflite"]])
def test_another_format_is_refused_before_anything_is_built(formats: list[str], tmp_path: Path) -> None:
    assert main([*HOW, *formats, "-o", str(tmp_path / "home"), "--litertlm", str(tmp_path / "home.litertlm")]) == 2
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_there_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").write_text("precious")
    asked = [*HOW, "--format", "tflite", "-o", str(tmp_path / "home"), "--litertlm", str(tmp_path / "mine")]
    assert main(asked) == 2
    assert "--force" in capsys.readouterr().err
    assert (tmp_path / "mine").read_text() == "precious"
    assert not (tmp_path / "home").exists()


def test_an_encoder_is_not_for_litert_lm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("edgeslm.cli.encoder.is_encoder", lambda _model: True)
    assert main([*HOW, "--format", "tflite", "--litertlm", str(tmp_path / "encoder.litertlm")]) == 2
    assert "this one is an encoder" in capsys.readouterr().err
