from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench import speed_cases
from bench.published import KNOWN, read_rows
from edgeslm_agent.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

ROW = "- {id: a-1, device: raspberry-pi-5, runtime: llama.cpp, model: Qwen2.5-0.5B, quant: Q4_0, decode_tok_s: 20}"


def table(folder: Path, *rows: str) -> Path:
    file = folder / "speeds.yaml"
    file.write_text("rows:\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return file


def test_every_problem_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    file = table(
        tmp_path,
        ROW,
        ROW,
        "- nonsense",
        "- {id: a-2, device: x, runtime: y, decode_tok_s: fast}",
        "- {id: a-3, device: x, decode_tok_s: -1, tags: rounded}",
    )
    with pytest.raises(ConfigError) as caught:
        read_rows(file)
    told = [problem.removeprefix(str(file)) for problem in caught.value.problems]
    assert [one.split(": ")[0] for one in told] == [":3", ":4", ":5", ":6", ":6", ":6"]
    assert "already the row of line 2" in told[0]


@pytest.mark.parametrize(("text", "line"), [("rows: }", 1), ("rows: []", 1), ("a: 1\nrows: 7", 2), ("", 1), ("[1]", 1)])
def test_files_without_rows_are_named_with_a_line(tmp_path: Path, text: str, line: int) -> None:
    file = tmp_path / "speeds.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_rows(file)
    assert caught.value.problems[0].startswith(f"{file}:{line}: ")


def test_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_rows(tmp_path / "none.yaml")


@pytest.mark.slow
def test_committed_table_is_read_and_every_decoding_row_has_a_size_or_says_none() -> None:
    rows = read_rows(KNOWN)
    assert len(rows) > 300
    decoding = [row for row in rows if row.number("decode_tok_s")]
    without = [row.id for row in decoding if speed_cases.decode(row) is None]
    assert without == []


@pytest.mark.parametrize(
    ("quant", "gigabytes"),
    [("Q8_0", 1.06), ("f16", 2.0), ("int4 block 32, fp32 activations", 0.67), ("w4a16_g128", 0.64), ("a new one", 0.7)],
)
def test_bytes_follow_from_the_format_when_no_size_is_given(tmp_path: Path, quant: str, gigabytes: float) -> None:
    row = f"- {{id: a, device: d, runtime: r, model: m, params_b: 1, quant: '{quant}', prompt_tokens: 1"
    (read,) = read_rows(table(tmp_path, row + ", decode_tok_s: 5}"))
    measured = speed_cases.decode(read)
    assert measured is not None
    assert measured.case.work.read_bytes / 1e9 == pytest.approx(gigabytes, rel=0.05)


def test_experts_are_read_in_part(tmp_path: Path) -> None:
    base = "params_b: 30, device: d, runtime: r, quant: W4A16, decode_tok_s: 5}"
    rows = table(tmp_path, "- {id: a, model: M-30B, " + base, "- {id: b, model: M-30B-A3B, " + base)
    dense, sparse = read_rows(rows)
    full, part = speed_cases.decode(dense), speed_cases.decode(sparse)
    assert full is not None
    assert part is not None
    assert part.case.work.read_bytes == pytest.approx(full.case.work.read_bytes / 10, rel=0.1)
