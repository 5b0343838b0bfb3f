from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from edgeslm.cli.main import main
from edgeslm_agent.bundle import write_evidence
from support.small_bundles import write_bundle

if TYPE_CHECKING:
    from pathlib import Path

QUALITY = {
    "status": "passed", "gate": "balanced", "reasons": [], "data": "a text", "tokens": 500, "kld_mean": 0.02,
    "kld_stderr": 0.001, "kld_p99": 0.2, "kld_p999": 0.4, "top1_agreement": 0.95, "ppl_ratio": 1.01,
}  # fmt: skip


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("bundles")
    small, exact = write_bundle(folder / "small", "wi4b32-afp32"), write_bundle(folder / "exact", "wi8b32-afp32")
    for bundle in (small, exact):
        write_evidence(bundle, "quality", QUALITY)
    return small.path, exact.path


def test_first_line_says_what_the_choice_rests_on(
    bundles: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["select", *map(str, bundles), "--device", "raspberry-pi-5"]) == 0
    assert "estimates for raspberry-pi-5" in capsys.readouterr().out.splitlines()[0]


def test_8_bit_bundle_is_rejected_for_a_board_without_dot_product(
    bundles: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["select", *map(str, bundles), "--device", "jetson-nano", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "edgeslm.selection/1"
    assert document["winner"]["recipe"] == "wi4b32-afp32"
    assert [entry["recipe"] for entry in document["rejected"]] == ["wi8b32-afp32"]
    assert "dot product" in document["rejected"][0]["reasons"][0]


def test_what_an_older_runtime_measured_on_this_machine_is_said_and_does_not_count(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    older, newer = (write_bundle(tmp_path / name, "wi4b32-afp32") for name in ("older", "newer"))
    for bundle, version, speed in ((older, "1.20.1", 900.0), (newer, "1.31.1", 9.0)):
        seen = {"on": "host", "decode_tps": speed, "runtime": f"onnxruntime {version}"}
        write_evidence(bundle, "measure", seen)
    assert main(["select", str(older.path), str(newer.path), "--device", "here", "--gate", "none"]) == 0
    said = f"{older.path} was measured with onnxruntime 1.20.1, others with 1.31.1: its estimate counts"
    assert said in capsys.readouterr().out


def test_stricter_gate_rejects_all_and_is_exit_1(
    bundles: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["select", *map(str, bundles), "--device", "raspberry-pi-5", "--gate", "lossless"]) == 1
    assert capsys.readouterr().err.count("above the lossless gate's") >= 2


def test_bundle_without_quality_needs_gate_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = write_bundle(tmp_path / "bare", "wi4b32-afp32").path
    assert main(["select", str(bundle), "--device", "raspberry-pi-5"]) == 1
    assert "edgeslm eval" in capsys.readouterr().err
    assert main(["select", str(bundle), "--device", "raspberry-pi-5", "--gate", "none"]) == 0


def test_missing_bundle_is_exit_6(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["select", str(tmp_path / "nothing"), "--device", "raspberry-pi-5"]) == 6
    assert "hint" in capsys.readouterr().err
