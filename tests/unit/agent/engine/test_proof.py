"""A wheel that ends its process is a finding, and not the end of who asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgeslm_agent.engine.proof import PACKAGES, prove
from edgeslm_agent.errors import EnvironmentProblem

if TYPE_CHECKING:
    from pathlib import Path


def python_that(folder: Path, does: str) -> str:
    """Make a program in Python's place."""
    program = folder / "python"
    program.write_text(f"#!/bin/sh\n{does}\n", encoding="utf-8")
    program.chmod(0o755)
    return str(program)


@pytest.mark.slow
@pytest.mark.parametrize("package", PACKAGES)
def test_the_runtimes_of_this_environment_work(package: str) -> None:
    proof = prove(package)
    assert proof.works, proof.found
    assert proof.version


@pytest.mark.parametrize(("signal", "advice"), [("SEGV", "does not run on this machine"), ("ILL", "newer processor")])
def test_a_wheel_that_kills_its_process_is_named_with_the_signal(signal: str, advice: str, tmp_path: Path) -> None:
    proof = prove("onnxruntime", python_that(tmp_path, f"kill -{signal} $$"))
    assert (proof.works, proof.version is None) == (False, False)
    assert f"SIG{signal}" in proof.found
    assert advice in proof.found


def test_a_wheel_that_fails_says_its_last_word(tmp_path: Path) -> None:
    does = "echo Traceback >&2; echo 'ImportError: no libgomp.so.1' >&2; exit 1"
    assert "ImportError: no libgomp.so.1" in prove("onnxruntime", python_that(tmp_path, does)).found


def test_a_package_that_is_not_there_is_not_tried() -> None:
    assert prove("no-such-package", "/nonexistent").version is None


def test_our_own_refusal_comes_with_its_hint(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from edgeslm_agent.engine import proof
    from edgeslm_agent.engine.runtime import litert

    def refuse() -> None:
        raise EnvironmentProblem("it would end this process", "rm the library")

    monkeypatch.setattr(litert, "load_litert", refuse)
    proof.main("ai-edge-litert")
    assert capsys.readouterr().out == '{"works": false, "found": "it would end this process; rm the library"}\n'
