"""export, eval, measure, verify, inspect, run: through the command line, on real files."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest

from edgeslm import export
from edgeslm.cli.main import main
from edgeslm.profiler.dataset import read_text
from edgeslm_agent.bundle import open_bundle
from support.checkpoints import build_checkpoint, case_named
from support.waiting import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow
BOARD = ["--device", "raspberry-pi-5"]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return build_checkpoint(case_named("llama-tied-f32"), tmp_path / "tiny")


@pytest.fixture
def text(tmp_path: Path) -> Path:
    file = tmp_path / "text.txt"
    file.write_text("the quick brown fox jumps over the lazy dog and runs away from it again. " * 30)
    return file


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, Any]]:
    """Run a command with --json; return its exit code and document."""
    code = main([*map(str, arguments), "--json"])
    out = capsys.readouterr().out
    return code, json.loads(out)


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"cache", "tiny", "text.txt"}


def test_the_built_in_model_is_exported_judged_and_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, document = run(capsys, "export", "--device", "jetson-nano", "-o", tmp_path / "b")
    assert code == 0
    assert document["schema"] == "edgeslm.selection/1"
    assert {"winner", "runners_up", "rejected", "candidates", "bundle", "quality", "export"} <= set(document)
    assert document["quality"]["status"] == "passed"
    assert document["basis"].startswith("chosen on estimates")
    assert not any("8b" in candidate["recipe"] for candidate in document["candidates"] if candidate["kept"])
    code, answer = run(capsys, "run", tmp_path / "b", "turn on the kitchen light", "--greedy")
    assert code == 0
    assert json.loads(answer["text"])["action"] == "turn_on"
    assert {"token_ids", "first_token_s", "prefill_tps", "decode_tps", "load_s", "peak_rss_bytes", "on"} <= set(answer)


def test_genai_adds_two_files_to_the_same_weights(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    how = ["export", folder, *BOARD, "--recipe", "wi4b32-afp32", "--gate", "none", "--no-measure"]
    assert run(capsys, *how, "-o", tmp_path / "plain")[0] == 0
    assert run(capsys, *how, "--genai", "-o", tmp_path / "both")[0] == 0
    assert run(capsys, "verify", tmp_path / "both")[0] == 0
    plain, both = (
        {path.name: path.read_bytes() for path in (tmp_path / name / "artifacts").iterdir()}
        for name in ("plain", "both")
    )
    assert both.keys() - plain.keys() == {"genai.onnx", "genai_config.json"}
    assert {name: both[name] for name in plain} == plain


def test_plan_and_file_agree_to_the_byte(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipes = ["fp32", "fp16", "wi8-afp32", "wi8b32-afp32", "wi4b32-afp32", "wu4b32-afp32", "wi4b64-afp32-hi8b32"]
    for recipe in recipes:
        _, planned = run(capsys, "plan", folder, *BOARD, "--recipe", recipe)
        out = tmp_path / recipe
        code, _ = run(capsys, "export", folder, *BOARD, "--recipe", recipe, "--gate", "none", "--no-measure", "-o", out)
        assert code == 0
        stated = planned["candidates"][0]["estimate"]["weights_bytes"]
        assert stated["value"] == stated["low"] == stated["high"] == (out / "artifacts/model.onnx.data").stat().st_size


def test_every_named_recipe_competes_and_one_bundle_is_left(
    folder: Path, text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, document = run(
        capsys,
        *("export", folder, *BOARD, "--recipe", "wi8b32-afp32", "--recipe", "fp16", "--text", text),
        *("--objective", "quality", "--gate", "tiny", "-o", tmp_path / "b"),
    )
    assert code == 0
    assert document["winner"]["recipe"] == "fp16"
    assert [entry["recipe"] for entry in document["runners_up"]] == ["wi8b32-afp32"]
    assert left_in(tmp_path) == {"b"}
    code, document = run(capsys, "inspect", tmp_path / "b")
    assert document["evidence"]["quality"]["data"] == "text text.txt"


def test_a_failed_gate_is_exit_1_and_writes_nothing(
    folder: Path, text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["export", folder, *BOARD, "--recipe", "wi4b128-afp32", "--text", text, "--gate", "lossless"]
    code, document = run(capsys, *arguments, "-o", tmp_path / "b")
    assert code == 1
    assert document["error"] == "GateFailed"
    assert "wi4b128-afp32" in document["message"]
    assert left_in(tmp_path) == set()


def test_nothing_fits_is_exit_1_with_a_reason_for_each(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, document = run(
        capsys, "export", folder, "--device", "raspberry-pi-5", "--memory", "16MB", "-o", tmp_path / "b"
    )
    assert code == 1
    assert document["error"] == "NothingFits"
    assert document["message"].count("fp32") >= 1
    assert left_in(tmp_path) == set()


def test_exporting_again_changes_nothing_and_another_recipe_needs_force(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ["export", folder, *BOARD, "--gate", "none", "--no-measure", "-o", tmp_path / "b", "--recipe"]
    _, first = run(capsys, *base, "wi4b32-afp32")
    _, again = run(capsys, *base, "wi4b32-afp32")
    assert first["bundle"]["id"] == again["bundle"]["id"]
    code, document = run(capsys, *base, "wi8-afp32")
    assert (code, document["exit_code"]) == (2, 2)
    assert run(capsys, *base, "wi8-afp32", "--force")[0] == 0


def test_eval_finds_the_reference_in_the_cache_or_asks_for_it(
    folder: Path, text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = tmp_path / "b"
    run(capsys, "export", folder, *BOARD, "--recipe", "wi8b32-afp32", "--gate", "none", "--no-measure", "-o", bundle)
    code, document = run(capsys, "eval", bundle, "--text", text)
    assert (code, "--reference" in document["hint"]) == (4, True)
    code, document = run(capsys, "eval", bundle, "--text", text, "--reference", folder)
    assert code == 0
    assert document["schema"] == "edgeslm.eval/1"
    assert {"kld_mean", "kld_p99", "kld_p999", "top1_agreement", "ppl_ratio", "tokens"} <= set(document)
    assert run(capsys, "eval", bundle, "--text", text)[0] == 0


def test_eval_refuses_another_checkpoint(
    folder: Path, text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle, other = tmp_path / "b", build_checkpoint(case_named("qwen2-tied-bf16-window-off"), tmp_path / "other")
    run(capsys, "export", folder, *BOARD, "--recipe", "fp16", "--gate", "none", "--no-measure", "-o", bundle)
    code, document = run(capsys, "eval", bundle, "--text", text, "--reference", other)
    assert (code, document["error"]) == (6, "Incompatible")


def test_measure_and_verify(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = tmp_path / "b"
    run(capsys, "export", folder, *BOARD, "--recipe", "wi4b32-afp32", "--gate", "none", "--no-measure", "-o", bundle)
    code, document = run(capsys, "measure", bundle)
    assert (code, document["schema"], document["on"]) == (0, "edgeslm.measure/1", "host")
    assert document["decode_tps"] > 0
    assert document["peak_rss_bytes"] > 2**20
    assert document["runtime"] == f"onnxruntime {version('onnxruntime')}"
    assert run(capsys, "verify", bundle)[0] == 0
    graph = bundle / "artifacts" / "model.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"\x00")
    code, document = run(capsys, "verify", bundle)
    assert (code, document["error"]) == (6, "Corrupt")
    assert "model.onnx" in document["message"]


class Steps:
    """Progress that counts its steps, and is interrupted as by Ctrl-C at one of them."""

    def __init__(self, interrupted_at: int | None = None) -> None:
        self.taken = 0
        self._interrupted_at = interrupted_at

    @contextmanager
    def __call__(self, label: str, total: int) -> Iterator[Callable[[int], None]]:  # noqa: ARG002 - the port's signature
        yield self._advance

    def _advance(self, _by: int) -> None:
        self.taken += 1
        if self.taken == self._interrupted_at:
            raise KeyboardInterrupt


def test_an_export_interrupted_at_any_step_leaves_nothing(folder: Path, text: Path, tmp_path: Path) -> None:
    def exported(steps: Steps) -> None:
        shutil.rmtree(tmp_path / "cache", ignore_errors=True)  # the reference too is made again
        export(
            str(folder), device="raspberry-pi-5", out=tmp_path / "b", recipes=["fp16"],
            data=read_text(text), gate="tiny", measured=False, progress=steps,
        )  # fmt: skip

    undisturbed = Steps()
    exported(undisturbed)
    open_bundle(tmp_path / "b", verify=True)
    shutil.rmtree(tmp_path / "b")
    last = undisturbed.taken
    for moment in (1, 2, last // 4, last // 2, 3 * last // 4, last - 1, last):
        with pytest.raises(KeyboardInterrupt):
            exported(Steps(interrupted_at=moment))
        assert left_in(tmp_path) == set()


# A shell that runs the tests in its background has them ignore SIGINT, and a child inherits that: it is set again.
_STUCK = """
import signal, sys, time
from edgeslm import workshop
from edgeslm.cli.main import main

def convert(*_arguments, **_more):
    print("converting", flush=True)
    time.sleep(3600.0)

workshop.convert = convert
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(main(sys.argv[1:]))
"""


def test_ctrl_c_during_a_conversion_is_exit_130_and_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", _STUCK, "export", str(folder), *BOARD, "-o", str(tmp_path / "b")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "converting\n"
        (staged,) = left_in(tmp_path)
        assert staged.endswith(".partial")
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(PATIENCE_S) == 130
        finally:
            process.kill()
    assert left_in(tmp_path) == set()
