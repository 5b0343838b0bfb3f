"""`edgeslm run` on a bundle of a tiny random checkpoint: what its options do to the answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from edgeslm import pipeline
from edgeslm.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a bundle of the built-in model."""
    out = tmp_path_factory.mktemp("run") / "home"
    pipeline.export(device="x86-avx2-generic", recipes=["wi8b32-afp32"], gate="none", measured=False, out=out)
    return out


def answer(home: Path, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, object]:
    """Return the document of a greedy run."""
    capsys.readouterr()
    assert main(["run", str(home), "turn on the kitchen light", "--greedy", "--json", *options]) == 0
    document: dict[str, object] = json.loads(capsys.readouterr().out)
    return document


@pytest.mark.slow
def test_a_stop_text_ends_the_answer_before_it(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = str(answer(home, capsys)["text"])
    middle = whole[len(whole) // 2 :]
    cut = answer(home, capsys, "--stop", "never said", "--stop", middle)
    assert cut["text"] == whole[: whole.index(middle)]
    assert cut["stop_reason"] == "stop"


@pytest.mark.slow
def test_a_system_message_stands_before_the_prompt(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alone, with_system = answer(home, capsys), answer(home, capsys, "--system", "Be brief.")
    assert with_system["prompt_tokens"] > alone["prompt_tokens"]  # type: ignore[operator]


@pytest.mark.slow
def test_a_template_that_does_not_ask_whether_to_think_refuses_to_be_told(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(home), "hello", "--thinking"]) == 6
    assert "thinking" in capsys.readouterr().err


@pytest.mark.slow
def test_a_raw_prompt_has_no_place_for_a_system_message(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(home), "hello", "--raw", "--system", "Be brief."]) == 2
    assert "--system" in capsys.readouterr().err
