"""How an export chooses: escalation, mixes, and what it says about both; through the Python API, on real files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import edgeslm
from edgeslm import pipeline
from edgeslm.cli.main import main
from edgeslm.profiler.dataset import Dataset
from edgeslm.profiler.gate import Gate
from edgeslm_agent.bundle import open_bundle, read_evidence
from edgeslm_agent.errors import EnvironmentProblem, GateFailed, UsageError
from edgeslm_exporters.recipe import parse_recipe
from support.checkpoints import build_checkpoint, case_named

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow
BOARD = "raspberry-pi-5"
LINES = [f"the quick brown fox number {number} jumps over the lazy dog and runs away again.\n" for number in range(40)]
TEXT = Dataset("a text", text="".join(LINES))
OPEN = {"top1_agreement": 0.0, "kld_p999": 99.0, "ppl_ratio": 99.0, "flips": None}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return str(build_checkpoint(case_named("llama-tied-f32"), tmp_path / "tiny"))


def gate(kld: float, monkeypatch: pytest.MonkeyPatch) -> str:
    """Put a gate of one bound in the place of all others; return its name."""
    monkeypatch.setattr(pipeline, "gate_named", lambda _name: Gate("test", kld, **OPEN))  # type: ignore[arg-type]
    return "test"


def kld_of(folder: str, recipe: str, monkeypatch: pytest.MonkeyPatch) -> float:
    name = gate(99.0, monkeypatch)
    result = edgeslm.export(
        folder, device=BOARD, recipes=[recipe], data=TEXT, gate=name, measured=False, out=f"only-{recipe}", force=True
    )
    assert result.winner.assessment is not None
    return result.winner.assessment.quality.kld_mean


def test_bits_are_added_until_the_gate_passes_and_each_step_is_said(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    bound = 2 * kld_of(folder, "wi8b32-afp32", monkeypatch)
    name = gate(bound, monkeypatch)
    result = edgeslm.export(folder, device=BOARD, data=TEXT, gate=name, measured=False, out="b", tell=told.append)
    attempts = result.document()["attempts"]
    bits = [set(parse_recipe(attempt["recipe"]).bits) for attempt in attempts]
    assert bits[-1] == {8}
    assert [attempt["passed"] for attempt in attempts] == [False] * (len(attempts) - 1) + [True]
    assert all("mean KL divergence" in attempt["reasons"][0] for attempt in attempts[:-1])
    assert result.winner.candidate.variant == attempts[-1]["variant"]
    assert [line.split()[1] for line in told] == ["failed"] * (len(attempts) - 1) + ["passed"]
    evidence = read_evidence(open_bundle(tmp_path / "b"), "selection")
    assert evidence is not None
    assert evidence["attempts"] == attempts


def test_a_mix_of_a_size_is_never_worse_than_a_uniform_recipe_that_fits(folder: str) -> None:
    whole = edgeslm.plan(folder, device=BOARD, recipes=["wu4b16-afp32"])
    most = round(whole.candidates[0].estimate.weights_bytes.value)
    result = edgeslm.export(folder, device=BOARD, target_size=most, data=TEXT, gate="none", measured=False, out="b")
    document = result.document()
    klds = {attempt["recipe"]: attempt["kld_mean"] for attempt in document["attempts"]}
    assert len(klds) > 3
    assert {attempt["passed"] for attempt in document["attempts"]} == {None}
    assert document["winner"]["quality"]["kld_mean"] == min(klds.values())
    assert (result.bundle.file("artifacts/model.onnx.data")).stat().st_size <= most
    assert document["mixed"]["calibrated_on"] == "a quarter of a text"
    assert document["quality"]["data"] == "three quarters of a text"


def test_a_uniform_recipe_that_does_better_than_the_mix_is_taken_and_said(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeslm.profiler.sensitivity.best_within", lambda front, _most: front[0])  # a bad solver
    told: list[str] = []
    result = edgeslm.export(
        folder, device=BOARD, target_size=10**7, data=TEXT, gate="none", measured=False, out="b", tell=told.append
    )
    assert parse_recipe(result.winner.candidate.recipe).bits == {8}
    assert told[-1] == f"{result.winner.candidate.variant} does better than every mix: it is taken"


def test_a_mix_for_a_gate_passes_it(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bound = 0.5 * kld_of(folder, "wi4b32-afp32", monkeypatch)
    name = gate(bound, monkeypatch)
    result = edgeslm.export(folder, device=BOARD, recipes=["mixed"], data=TEXT, gate=name, measured=False, out="b")
    assert result.winner.assessment is not None
    assert result.winner.assessment.quality.kld_mean <= bound
    int8 = edgeslm.plan(folder, device=BOARD, recipes=["wi8b32-afp32"]).candidates[0].estimate.weights_bytes.value
    assert result.winner.candidate.estimate.weights_bytes.value <= int8


def test_a_gate_nobody_passes_names_every_attempt(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name = gate(-1.0, monkeypatch)
    with pytest.raises(GateFailed) as caught:
        edgeslm.export(folder, device=BOARD, data=TEXT, gate=name, measured=False, out="b")
    assert caught.value.message.count("mean KL divergence") >= 4


def test_a_mix_beside_named_recipes_is_refused(folder: str) -> None:
    with pytest.raises(UsageError, match="no other --recipe"):
        edgeslm.export(folder, device=BOARD, recipes=["mixed", "fp16"], out="b")
    with pytest.raises(UsageError, match="for a size or for a gate"):
        edgeslm.export(folder, device=BOARD, recipes=["mixed"], gate="none", data=TEXT, out="b")


def test_memory_that_allows_nothing_is_refused_before_anything_is_written(folder: str, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblem, match=r"--max-ram allows 32\.0 MB") as caught:
        edgeslm.export(folder, device=BOARD, data=TEXT, max_ram=32 * 2**20, measured=False, out="b")
    assert "allow " in caught.value.hint
    with pytest.raises(EnvironmentProblem, match="--max-ram allows"):
        edgeslm.export(folder, device=BOARD, data=TEXT, target_size=10**6, max_ram=32 * 2**20, out="b")
    assert {path.name for path in tmp_path.iterdir()} <= {"tiny"}


def test_memory_that_allows_the_export_is_kept(folder: str) -> None:
    most = 200 * 2**20
    result = edgeslm.export(
        folder, device=BOARD, recipes=["wi4b32-afp32"], gate="none", max_ram=most, measured=False, out="b"
    )
    assert result.peak_anonymous_bytes <= most


def test_the_command_line_says_the_steps_and_prints_the_bits_a_weight_takes(
    folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "text.txt"
    text.write_text(TEXT.text)
    how = ["--device", BOARD, "--text", str(text), "--gate", "none", "--no-measure", "-o", str(tmp_path / "b")]
    assert main(["export", folder, *how, "--target-size", "1MB", "--calibration", str(text)]) == 0
    shown = capsys.readouterr()
    assert "bits a weight       " in shown.out
    assert "the mix, by what each class lost on text text.txt:\n  qkv " in shown.out
    assert "is built; no gate was held against it" in shown.err
    assert main(["inspect", str(tmp_path / "b")]) == 0
    assert "bits a parameter, scales and tables included" in capsys.readouterr().out
    assert main(["export", folder, *how, "--recipe", "fp16", "--target-size", "1MB"]) == 2
    assert main(["export", folder, *how, "--max-ram", "16MB", "--force"]) == 4
    assert "--max-ram allows 16.0 MB" in capsys.readouterr().err
