"""The tables of the documents follow from the committed results alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bench import report
from bench.environments import ROOT

if TYPE_CHECKING:
    from pathlib import Path

RESULT: dict[str, Any] = {
    "machine": {"cpu": "Cortex-A76", "cores": 4, "memory_gib": 7.9, "kernel": "Linux 6.6.1"},
    "versions": {"edgeslm": {"edgeslm": "0.1.0"}},
    "settings": {"rounds": 5, "idle_before": 0.99},
    "sides": {"ours": {"median": {"wall_s": 1.234}, "rounds": []}, "peer": {"median": {"wall_s": 9.9}, "rounds": []}},
    "targets": [{"name": "speed-up", "value": 8.02, "bound": 8.0, "at_least": True, "unit": "x", "met": True}],
}


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of results with one machine in it."""
    (tmp_path / "cortex-a76-4cores").mkdir()
    (tmp_path / "cortex-a76-4cores" / "export.json").write_text(json.dumps(RESULT), encoding="utf-8")
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    return tmp_path


@pytest.mark.usefixtures("results")
def test_marked_table_is_replaced_and_the_rest_kept() -> None:
    text = report.filled("before\n<!-- bench:export -->\nold\n<!-- /bench -->\nafter\n")
    assert text.startswith("before\n<!-- bench:export -->\n| ")
    assert text.endswith("<!-- /bench -->\nafter\n")
    assert "old" not in text
    assert "| ours | 1.23 |" in text
    assert "| speed-up | ≥ 8.00x | 8.02x | met |" in text


@pytest.mark.usefixtures("results")
def test_filling_twice_changes_nothing() -> None:
    once = report.filled("<!-- bench:export -->\n<!-- /bench -->\n")
    assert report.filled(once) == once


def test_results_of_a_busy_machine_are_marked(results: Path) -> None:
    busy = {**RESULT, "settings": {"rounds": 5, "idle_before": 0.4}}
    (results / "cortex-a76-4cores" / "export.json").write_text(json.dumps(busy), encoding="utf-8")
    assert "40% idle" in report.filled("<!-- bench:export -->\n<!-- /bench -->\n")


def test_figures_without_rounds_and_clock_say_so_and_a_side_may_lack_a_column(results: Path) -> None:
    sides = {"plain": {"median": {"kld_mean": 0.25}}, "mixed": {"median": {"kld_mean": 0.125, "expected_kld": 0.1}}}
    taken = {**RESULT, "settings": {}, "sides": sides}
    (results / "cortex-a76-4cores" / "mixed.json").write_text(json.dumps(taken), encoding="utf-8")
    text = report.filled("<!-- bench:mixed -->\n<!-- /bench -->\n")
    assert "| plain | 0.25000 |  |" in text
    assert "| mixed | 0.12500 | 0.10000 |" in text
    assert "Taken once" in text
    assert "busy" not in text


@pytest.mark.usefixtures("results")
def test_bench_without_results_says_so() -> None:
    assert "no results yet" in report.filled("<!-- bench:decode -->\n<!-- /bench -->\n")


@pytest.mark.parametrize("name", report.DOCUMENTS)
def test_committed_document_is_what_the_committed_results_say(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert report.filled(text) == text
