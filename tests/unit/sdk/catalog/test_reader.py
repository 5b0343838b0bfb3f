from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgeslm.catalog.reader import LIMIT_BYTES, read_document
from edgeslm_agent.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


def problems_of(text: str, tmp_path: Path) -> tuple[str, ...]:
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    document = read_document(file, "recipe")
    with pytest.raises(ConfigError) as caught:
        document.raise_problems()
    return tuple(problem.removeprefix(f"{file}:") for problem in caught.value.problems)


def test_sound_file_gives_its_values(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("description: small\nwhen: always\n", encoding="utf-8")
    document = read_document(file, "recipe")
    document.raise_problems()
    assert document.values == {"description": "small", "when": "always"}


def test_all_problems_of_a_file_come_at_once_with_their_lines(tmp_path: Path) -> None:
    found = problems_of("# a comment\ndescription: 3\ncolour: red\n\nsize: [1, 2]\n", tmp_path)
    assert found == (
        "1: lacks 'when'",
        "2: description: must be text (put it in quotes), not 3",
        "3: colour: unknown key 'colour'",
        "5: size: unknown key 'size'",
    )


def test_key_written_twice_is_a_problem(tmp_path: Path) -> None:
    assert problems_of("description: a\nwhen: b\nwhen: c\n", tmp_path) == ("3: when: is written twice",)


def test_alias_is_refused_so_nothing_explodes(tmp_path: Path) -> None:
    bomb = "description: &a [x, x]\nwhen: [*a, *a]\n"
    assert any("aliases" in problem for problem in problems_of(bomb, tmp_path))


@pytest.mark.parametrize(("text", "line"), [("description: [1\nwhen: x\n", "2"), ("a: b: c\n", "1"), ("\tx: 1\n", "1")])
def test_broken_yaml_names_the_line(text: str, line: str, tmp_path: Path) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_document(file, "recipe")
    assert caught.value.problems[0].startswith(f"{file}:{line}: not YAML")


@pytest.mark.parametrize("text", ["- a\n- b\n", "just text\n"])
def test_file_that_is_no_mapping_is_a_config_error(text: str, tmp_path: Path) -> None:
    file = tmp_path / "list.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="must be a mapping"):
        read_document(file, "recipe")


def test_empty_file_lacks_everything(tmp_path: Path) -> None:
    assert problems_of("", tmp_path) == ("1: lacks 'description'", "1: lacks 'when'")


def test_missing_binary_and_huge_files_are_config_errors(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_document(tmp_path / "nothing.yaml", "recipe")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_document(tmp_path / "binary.yaml", "recipe")
    (tmp_path / "huge.yaml").write_bytes(b"#" * (LIMIT_BYTES + 1))
    with pytest.raises(ConfigError, match="larger than"):
        read_document(tmp_path / "huge.yaml", "recipe")
    (tmp_path / "control.yaml").write_bytes(b"a: \x01\n")
    with pytest.raises(ConfigError, match="not YAML"):
        read_document(tmp_path / "control.yaml", "recipe")
