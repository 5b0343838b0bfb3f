"""`--format tflite` from end to end on the built-in model, beside ONNX from the same weights."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

import edgeslm
from edgeslm.cli.main import main
from edgeslm.profiler.quality import sequences
from edgeslm.source import own_tasks
from edgeslm_agent.bundle import open_bundle
from edgeslm_agent.engine.generation import Generation
from edgeslm_agent.engine.runtime.litert import LitertRuntime
from edgeslm_agent.engine.session import Session
from edgeslm_agent.errors import Corrupt, Incompatible

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from edgeslm.pipeline import ExportResult

pytestmark = pytest.mark.slow
POSITIONS = 2000  # that the gate counts: of what users write the next word is often a tie
AGREEING = 0.99  # of the positions: activations are rounded in other groups than with ONNX
BOARD = "raspberry-pi-5"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def exported(folder: Path, form: str, recipe: str, gate: str = "none") -> ExportResult:
    return edgeslm.export(device=BOARD, recipes=[recipe], formats=[form], gate=gate, measured=False, out=folder / form)


@pytest.mark.parametrize("recipe", ["wi4b32-afp32", "wi8-afp32"])
def test_both_formats_agree_and_pass_the_same_gate(recipe: str, folder: Path) -> None:
    found = {form: exported(folder, form, recipe, "balanced") for form in ("onnx", "tflite")}
    assert all(result.winner.passed for result in found.values())
    onnx, tflite = (Session.open(found[form].bundle) for form in ("onnx", "tflite"))
    tasks = own_tasks("builtin:home")
    assert tasks is not None
    seen = agreed = 0
    for sequence in sequences(onnx, tasks):
        if seen >= POSITIONS:
            break
        tops = [session.score(sequence.token_ids)[sequence.first :].argmax(axis=1) for session in (onnx, tflite)]
        agreed, seen = agreed + int(np.equal(*tops).sum()), seen + len(tops[0])
    assert seen >= POSITIONS
    assert agreed >= AGREEING * seen


def test_the_command_line_exports_runs_and_judges_tflite(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(folder / "bundle")
    code = main(["export", "--device", BOARD, "--format", "tflite", "--recipe", "wi4b32-afp32", "-o", out, "--json"])
    document = json.loads(capsys.readouterr().out)
    assert code == 0
    assert document["winner"]["variant"] == "home_wi4b32-afp32_tflite_256"
    assert document["quality"]["status"] == "passed"
    assert main(["run", out, "turn on the kitchen lights", "--greedy", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)["text"]
    assert json.loads(answer) == {"action": "turn_on", "device": "light", "room": "kitchen"}
    assert main(["verify", out]) == 0
    assert main(["inspect", out]) == 0
    assert "ai-edge-litert >= 2.2.0" in capsys.readouterr().out


def test_both_formats_compete_and_the_better_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    formats = ["--format", "onnx", "--format", "tflite"]
    out = str(folder / "bundle")
    assert main(["export", "--device", "here", *formats, "--recipe", "wi4b32-afp32", "-o", out, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    compared = {document["winner"]["format"], *(entry["format"] for entry in document["runners_up"])}
    assert compared == {"onnx", "tflite"}
    assert all("decode_tps" in entry["measured"] for entry in (document["winner"], *document["runners_up"]))


def test_the_recipe_that_passes_is_built_in_both_formats(tmp_path: Path) -> None:
    built = edgeslm.export(
        device="raspberry-pi-5", formats=("onnx", "tflite"), out=tmp_path / "x", gate="none", measured=False
    )
    first, twin = (attempt.candidate for attempt in built.attempts)
    assert {first.format, twin.format} == {"onnx", "tflite"}
    assert first.recipe == twin.recipe


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--genai", "--recipe", "fp32"], "onnxruntime-genai loads ONNX graphs only"),
        (["--recipe", "mixed"], "a mix is solved for among the forms of ONNX"),
        (["--recipe", "wu4b32-afp32"], "no 4 or 8-bit weights with zero points"),
    ],
)
def test_what_tflite_has_not_is_said_before_anything_is_written(
    options: list[str], said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = folder / "bundle"
    assert main(["export", "--device", BOARD, "--format", "tflite", *options, "-o", str(out)]) in {1, 2}
    assert said in capsys.readouterr().err
    assert not out.exists()


def test_the_same_export_twice_is_the_same_bundle(folder: Path) -> None:
    first, second = (exported(folder / name, "tflite", "wi8-afp32").bundle for name in ("first", "second"))
    assert first.bundle_id == second.bundle_id


def test_weights_that_are_not_the_exported_ones_fail_the_self_test(folder: Path) -> None:
    bundle = exported(folder, "tflite", "wi8-afp32").bundle
    graph = bundle.file(bundle.manifest.graph)
    content = bytearray(graph.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 50_000] = bytes(50_000)  # one matrix of many
    graph.write_bytes(content)
    with pytest.raises(Corrupt, match="has changed since"):
        open_bundle(bundle.path)
    with pytest.raises(Incompatible, match="self-test failed"):
        Session.open(open_bundle(bundle.path, verify=False))


@pytest.mark.parametrize("wrong", [np.zeros_like, lambda logits: np.full_like(logits, np.nan), lambda logits: -logits])
def test_a_runtime_that_computes_something_else_fails_the_self_test(
    wrong: Callable[[NDArray[np.float32]], NDArray[np.float32]], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = open_bundle(exported(folder, "tflite", "wi8-afp32").bundle.path)
    right = LitertRuntime.prefill
    monkeypatch.setattr(LitertRuntime, "prefill", lambda self, ids, past: wrong(right(self, ids, past)))
    with pytest.raises(Incompatible, match="self-test failed"):
        Session.open(bundle)


def test_a_session_samples_chats_and_goes_on_behind_a_prompt(folder: Path) -> None:
    bundle = open_bundle(exported(folder, "tflite", "fp32").bundle.path)
    with Session.open(bundle) as session:
        greedy = Generation(max_tokens=12, temperature=0.0)
        first = session.complete("lock the front door", greedy)
        again = session.complete("lock the front door", greedy)
        sampled = session.complete("lock the front door", Generation(max_tokens=12, temperature=1.0, seed=3))
    assert first.token_ids == again.token_ids
    assert sampled.token_ids
