from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from bench.environments import ROOT
from bench.prediction import scored_document
from edgeslm_agent.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

SHARED = ROOT.parent / "shared" / "data" / "published-speeds.yaml"


def board(folder: Path, bandwidth: float, probes: int, sizes: tuple[float, ...]) -> Path:
    """Write a table of a board that nobody knows: its speed is its bandwidth over the bytes of its files."""
    rows = [
        f"  - {{id: row-{place}, device: new-board, runtime: new-runtime 1.0, model: M-{size}B, params_b: {size},"
        f" quant: Q8_0, backend: cpu, weight_bytes: {int(size * 1.06e9)}, decode_tok_s: {bandwidth / (size * 1.06e9)}"
        + (", use: probe}" if place < probes else "}")
        for place, size in enumerate(sizes)
    ]
    file = folder / "speeds.yaml"
    file.write_text("rows:\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return file


SIZES = (0.5, 1, 2, 3, 4, 0.7, 1.5, 2.5)


@pytest.mark.slow
def test_five_probes_of_an_unknown_board_predict_the_rest(tmp_path: Path) -> None:
    document = scored_document(board(tmp_path, 7e9, 5, SIZES))
    (group,) = document["groups"]
    assert (group["device"], group["fitted_rows"], group["scored_rows"]) == ("new-board", 5, 3)
    assert group["median_absolute_percentage_error"] < 0.15
    assert group["coverage"] == 1
    assert document["median_absolute_percentage_error"] == group["median_absolute_percentage_error"]


@pytest.mark.slow
def test_ids_fit_as_marked_rows_do(tmp_path: Path) -> None:
    marked = scored_document(board(tmp_path, 7e9, 5, SIZES))
    plain = board(tmp_path, 7e9, 0, SIZES)
    ids = tmp_path / "ids.txt"
    ids.write_text("row-0\nrow-1\nrow-2\nrow-3\nrow-4\n", encoding="utf-8")
    assert scored_document(plain, "row-0,row-1,row-2,row-3,row-4") == marked
    assert scored_document(plain, str(ids)) == marked


def test_unknown_ids_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="row-99"):
        scored_document(board(tmp_path, 7e9, 0, SIZES), "row-1,row-99")


@pytest.mark.slow
def test_one_row_of_an_unknown_board_gets_a_wide_range(tmp_path: Path) -> None:
    (row,) = scored_document(board(tmp_path, 7e9, 0, (1,)))["groups"][0]["rows"]
    assert row["low"] < row["predicted"] < row["high"]
    assert row["high"] / row["low"] > 4


def test_nothing_to_score_is_said_not_failed(tmp_path: Path) -> None:
    document = scored_document(board(tmp_path, 7e9, 5, SIZES[:5]))
    assert document["groups"] == []
    assert document["median_absolute_percentage_error"] is None
    assert [one["reason"] for one in document["not_scored"]] == ["fitted on"] * 5


@pytest.mark.slow
def test_run_as_a_file_it_prints_one_document_and_fails_with_the_line(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "bench" / "prediction.py")]
    file = board(tmp_path, 7e9, 5, SIZES)
    done = subprocess.run([*command, str(file), "--json"], check=True, capture_output=True, text=True, cwd=tmp_path)
    assert json.loads(done.stdout)["schema"] == "edgeslm.prediction/1"
    file.write_text("rows:\n  - {id: a, device: b}\n", encoding="utf-8")
    failed = subprocess.run([*command, str(file)], check=False, capture_output=True, text=True, cwd=tmp_path)
    assert failed.returncode == 3
    assert f"{file}:2: runtime: is missing" in failed.stderr


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_file(), reason="the collected facts are not beside this checkout")
def test_no_group_is_predicted_from_its_own_rows(tmp_path: Path) -> None:
    text = SHARED.read_text("utf-8")
    rows = [part for part in text.split("\n- ") if "device: rk3588\n" in part and "RKLLM 1.3.0 SDK" in part]
    twice = [part.replace("decode_tok_s: ", "decode_tok_s: 1") for part in rows]  # ten times as fast and more
    files = tmp_path / "true.yaml", tmp_path / "false.yaml"
    for file, parts in zip(files, (rows, twice), strict=True):
        file.write_text("rows:\n- " + "\n- ".join(parts) + "\n", encoding="utf-8")
    true, false = (scored_document(file)["groups"][0]["rows"] for file in files)
    assert [row["predicted"] for row in true] == [row["predicted"] for row in false]
