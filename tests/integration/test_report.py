"""`--report` from the command line: the built-in model for a board, written whole or not at all."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from edgeslm.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

EXPORT = ("export", "--device", "raspberry-pi-5", "--recipe", "wi4b32-afp32", "--recipe", "fp16", "--no-measure")


@pytest.mark.slow
def test_export_and_select_write_a_page_and_show_bars(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page, bundle = tmp_path / "report.html", tmp_path / "out"
    assert main([*EXPORT, "-o", str(bundle), "--report", str(page)]) == 0
    printed = capsys.readouterr().out
    assert "█" in printed
    html = page.read_text(encoding="utf-8")
    HTMLParser().feed(html)
    chosen = json.loads((bundle / "evidence" / "selection.json").read_text(encoding="utf-8"))
    for candidate in chosen["candidates"]:
        assert candidate["variant"] in html
    assert "built-in tasks" in html
    assert "at most 0.01" in html  # the conservative gate, which JSON tasks of a small model get
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    again = tmp_path / "again.html"
    assert main(["select", str(bundle), "--device", "raspberry-pi-5", "--report", str(again), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["winner"]["bundle"] == str(bundle)
    assert str(bundle) in again.read_text(encoding="utf-8")


@pytest.mark.parametrize("where", ["", "missing/report.html"])
def test_a_report_that_cannot_be_written_is_refused_before_anything_is_built(
    where: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*EXPORT, "-o", str(tmp_path / "out"), "--report", str(tmp_path / where)]) == 2
    assert "--report" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_limit_on_divergence_is_measured_even_without_a_gate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    wanted = ["--device", "raspberry-pi-5", "--max-divergence", "0.0001", "--gate", "none", "--no-measure"]
    assert main(["export", *wanted, "-o", str(out), "--json"]) == 0
    chosen = json.loads(capsys.readouterr().out)
    assert chosen["winner"]["quality"]["kld_mean"] <= 0.0001
    assert len(chosen["attempts"]) > 1
    assert chosen["limits"] == {"kld_mean": 0.0001}
