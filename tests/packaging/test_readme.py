"""The README is run, not believed."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
MODULES = {"edgeslm": "edgeslm", "edgeslm-agent": "edgeslm_agent"}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def edgeslm(arguments: list[str], cwd: Path, program: str = "edgeslm") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "100", "XDG_CACHE_HOME": str(cwd / "cache")}
    return subprocess.run(
        [sys.executable, "-m", MODULES[program], *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def console_steps() -> list[tuple[str, str]]:
    """Return each `$ command` of the console blocks with the output that the README shows below it."""
    steps = []
    for block in blocks("console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            steps.append((command, shown))
    return steps


def test_help_shown_is_the_help_printed(tmp_path: Path) -> None:
    (shown,) = re.findall(r"<!-- help:edgeslm -->\n```text\n(.*?)```\n<!-- /help -->", README, re.DOTALL)
    assert shown == edgeslm(["--help"], tmp_path).stdout


def test_every_path_of_the_tree_exists() -> None:
    (tree,) = re.findall(r"```\n(edgeslm/ .*?)```", README, re.DOTALL)
    top = ""
    for line in tree.splitlines():
        names = line[:22].split()
        if not line.startswith(" "):
            top = names[0]
            names = [""]
        for name in names:
            assert (ROOT / top / name).exists(), line


def test_links_lead_somewhere() -> None:
    assert not [link for link in re.findall(r"\]\((?!http)([^)#]+)\)", README) if not (ROOT / link).exists()]


def test_make_targets_named_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in set(re.findall(r"`?make ([a-z-]+)", README)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_verbs_named_exist(tmp_path: Path) -> None:
    lines = [shlex.split(line, comments=True) for block in blocks("sh") for line in block.splitlines()]
    for program, verb in sorted({(words[0], words[1]) for words in lines if words}):
        if program in MODULES:
            assert edgeslm([verb, "--help"], tmp_path, program).returncode == 0, (program, verb)


@pytest.mark.slow
def test_console_blocks_do_what_they_show(tmp_path: Path) -> None:
    for command, shown in console_steps():
        program, *arguments = shlex.split(command)
        assert program == "edgeslm"
        done = edgeslm(arguments, tmp_path)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        if shown:
            assert done.stdout == shown


@pytest.mark.slow
def test_python_blocks_run(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    for block in blocks("python"):
        done = subprocess.run(
            [sys.executable, "-c", block], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert '"action":"open"' in done.stdout
