from __future__ import annotations

import json
from importlib.metadata import version

import pytest

from edgeslm.cli import main as cli


def test_no_verb_prints_help_and_succeeds(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 0
    printed = capsys.readouterr().out
    assert all(verb in printed for verb in cli.VERBS)


def test_version_is_the_installed_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"edgeslm {version('edgeslm')}\n"


@pytest.mark.parametrize("arguments", [["fly"], ["plan"], ["run"], ["export", "--device"], ["plan", "--devise", "x"]])
def test_wrong_command_line_is_exit_2_with_a_hint(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "hint" in printed.err


def test_failure_with_json_is_one_error_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["plan", "--device", "jetson-nan", "--json"]) in {2, 3}
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "edgeslm.error/1"
    assert set(document) == {"schema", "error", "message", "hint", "exit_code"}
    assert "jetson-nano" in document["message"] + document["hint"]


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (KeyboardInterrupt(), 130),
        (OSError(28, "No space left on device"), 4),
        (MemoryError(), 4),
        (ZeroDivisionError(), 70),
    ],
)
def test_every_failure_has_its_exit_code(
    raised: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def explode(_arguments: list[str]) -> int:
        raise raised

    monkeypatch.delenv("EDGESLM_DEBUG", raising=False)
    monkeypatch.setattr(cli, "_call", explode)
    assert cli.main(["plan"]) == code
    assert capsys.readouterr().err
