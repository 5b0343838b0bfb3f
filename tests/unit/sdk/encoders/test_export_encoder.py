"""The whole export of an encoder, with a graph written by hand where optimum's would come in.

optimum itself runs in an environment of its own: `make encoders` holds it against transformers.
"""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edgeslm.cli.main import main
from edgeslm.encoders.export import evaluate_encoder, export_encoder
from edgeslm.profiler.dataset import Dataset, Task
from edgeslm_agent.bundle import EncoderBundle, open_any, read_evidence
from edgeslm_agent.engine.encoder import EncoderSession
from edgeslm_agent.errors import GateFailed, MissingExtra, UsageError
from edgeslm_exporters.encoder import convert
from support.traced_encoder import LONGEST, VOCABULARY, hidden_states, traced, weights, write_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

    from onnx import ModelProto

    from edgeslm_agent.contract.manifest import Task as Purpose

pytestmark = pytest.mark.slow  # exports, and measures in child processes

RANDOM = np.random.default_rng(9)
SENTENCES = [" ".join(f"w{number}" for number in RANDOM.integers(3, VOCABULARY, 8)) for _ in range(80)]
TEXT = Dataset("words", text="\n\n".join(SENTENCES))


@pytest.fixture(autouse=True)
def by_hand(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def float_graph(_folder: Path, _model_type: str, task: Purpose) -> ModelProto:
        return traced(task)

    monkeypatch.setattr(convert, "float_graph", float_graph)
    monkeypatch.setattr(convert, "TOOLS", ("onnx",))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def ids_of(text: str) -> list[int]:
    return [1, *(int(word[1:]) for word in text.split()), 2]


def test_int8_embeds_nearly_as_the_floats(tmp_path: Path) -> None:
    model = write_checkpoint(tmp_path / "m")
    result = export_encoder(
        str(model), device="raspberry-pi-5", out=tmp_path / "out", recipes=["wi8-afp32"], data=TEXT, measured=False
    )
    bundle = open_any(tmp_path / "out")
    assert isinstance(bundle, EncoderBundle)
    assert (bundle.manifest.context, bundle.manifest.tools["onnx"]) == (LONGEST, version("onnx"))
    with EncoderSession.open(bundle) as session:
        for text in SENTENCES[:10]:
            expected = hidden_states(ids_of(text)).mean(axis=0)
            found = session.embed(text).vector
            assert found @ expected / np.linalg.norm(found) / np.linalg.norm(expected) > 0.999
    quality = read_evidence(bundle, "quality")
    assert quality is not None
    assert quality["status"] == "passed"
    assert quality["cosine_mean"] > 0.999
    assert "three quarters" in quality["data"]  # the other quarter balanced the channels
    document = result.document()
    assert document["winner"]["recipe"] == "wi8-afp32"
    assert document["bundle"]["bytes"] == bundle.total_bytes


def test_every_recipe_named_competes_and_the_floats_are_exact(tmp_path: Path) -> None:
    model = write_checkpoint(tmp_path / "m")
    recipes = ("fp32", "wi8-afp32", "wi8-ai8")
    result = export_encoder(
        str(model), device="here", out=tmp_path / "out", recipes=recipes, data=TEXT, objective="quality", measured=False
    )
    assert {result.winner.candidate.recipe, *(r.candidate.recipe for r in result.selection.runners_up)} == set(recipes)
    assert result.winner.candidate.recipe == "fp32"
    with EncoderSession.open(result.bundle) as session:
        vector = session.embed(SENTENCES[0]).vector
    np.testing.assert_allclose(vector, hidden_states(ids_of(SENTENCES[0])).mean(axis=0), rtol=1e-4, atol=1e-4)


def test_the_same_export_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    model = write_checkpoint(tmp_path / "m")
    for recipe in ("fp32", "wi8-afp32", "wi8-ai8"):
        ids = {
            export_encoder(
                str(model), device="here", out=tmp_path / f"{recipe}{turn}", recipes=[recipe], data=TEXT, measured=False
            ).bundle.bundle_id
            for turn in range(2)
        }
        assert len(ids) == 1


def test_gate_that_fails_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgeslm.profiler import encoder_quality

    impossible = encoder_quality.EncoderGate(1.1, 1.1, 1.1)
    monkeypatch.setitem(encoder_quality.BOUNDS, "balanced", impossible)
    model = write_checkpoint(tmp_path / "m")
    with pytest.raises(GateFailed, match="mean cosine"):
        export_encoder(str(model), device="here", out=tmp_path / "out", data=TEXT, measured=False)
    assert not (tmp_path / "out").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_classifier_is_judged_by_its_labels_and_its_accuracy(tmp_path: Path) -> None:
    model = write_checkpoint(tmp_path / "m", "classify")
    labels = [f"label {int((hidden_states(ids_of(text))[0] @ weights().head).argmax())}" for text in SENTENCES]
    tasks = Dataset("tasks", tasks=tuple(Task(text, label) for text, label in zip(SENTENCES, labels, strict=True)))
    result = export_encoder(
        str(model), device="here", out=tmp_path / "out", recipes=["fp32"], data=tasks, measured=False
    )
    assert result.winner.assessment is not None
    quality = result.winner.assessment.quality
    assert (quality.label_agreement, quality.exact_match, quality.reference_exact_match) == (1.0, 1.0, 1.0)
    wrong = replace(tasks, tasks=tuple(replace(task, expected="label 9") for task in tasks.tasks))
    judged = evaluate_encoder(result.bundle, wrong, reference=None, gate="balanced").quality
    assert (judged.label_agreement, judged.exact_match) == (1.0, 0.0)


def test_context_outside_the_models_is_refused(tmp_path: Path) -> None:
    model = write_checkpoint(tmp_path / "m")
    with pytest.raises(UsageError, match="25 tokens"):
        export_encoder(str(model), device="here", context=25, out=tmp_path / "out")


def test_without_optimum_the_error_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgeslm_exporters import via_optimum

    monkeypatch.setattr(convert, "float_graph", via_optimum.float_graph)
    monkeypatch.setattr(via_optimum, "find_spec", lambda _name: None)
    model = write_checkpoint(tmp_path / "m")
    with pytest.raises(MissingExtra, match="optimum, torch, transformers") as caught:
        export_encoder(str(model), device="here", out=tmp_path / "out", data=TEXT)
    assert "pip install 'edgeslm[optimum]'" in caught.value.hint


def test_every_verb_takes_an_encoder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, out = write_checkpoint(tmp_path / "m"), tmp_path / "out"
    text = tmp_path / "text.txt"
    text.write_text(TEXT.text)

    def answer(*words: str) -> dict[str, Any]:
        assert main([*words, "--json"]) == 0, capsys.readouterr().err
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    planned = answer("plan", str(model), "--device", "jetson-nano")
    assert {entry["recipe"] for entry in planned["candidates"]} == {"fp32", "wi8-afp32", "wi8-ai8"}
    chosen = ("--device", "here", "--recipe", "wi8-afp32", "-o", str(out))
    exported = answer("export", str(model), *chosen, "--text", str(text))
    assert exported["schema"] == "edgeslm.selection/1"
    said = answer("run", str(out), SENTENCES[0])
    assert len(said["embedding"]) == 16
    measured = answer("measure", str(out))
    assert measured["texts_per_s"] > 0
    assert measured["runtime"] == f"onnxruntime {version('onnxruntime')}"
    assert answer("eval", str(out), "--text", str(text))["status"] == "passed"
    assert answer("verify", str(out))["files"] == 3
    assert answer("inspect", str(out))["manifest"]["kind"] == "encoder"
    assert answer("select", str(out), "--device", "here")["winner"]["recipe"] == "wi8-afp32"
    assert main(["run", str(out), SENTENCES[0]]) == 0
    assert json.loads(capsys.readouterr().out) == said["embedding"]
    for verb in (["inspect", str(out)], ["eval", str(out), "--text", str(text)], ["measure", str(out)]):
        assert main(verb) == 0
    shown = capsys.readouterr().out
    for words in ("encoder  embed: 16 numbers, mean", "cosine", "texts/s"):
        assert words in shown
