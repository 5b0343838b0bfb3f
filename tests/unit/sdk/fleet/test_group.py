"""The secret name of a group of collectors: read from a folder of credentials, or refused with the way to get one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgeslm.fleet.group import FILE, new_group, read_group
from edgeslm_agent.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from pathlib import Path


def test_new_name_is_read_back_and_never_the_same(tmp_path: Path) -> None:
    names = {new_group() for _ in range(100)}
    assert len(names) == 100
    for name in names:
        (tmp_path / FILE).write_text(f"{name}\n", encoding="ascii")
        assert read_group(tmp_path) == name


@pytest.mark.parametrize("text", ["", "short", "collectors/of/ours/and/more", "x" * 65, "with + and # in it"])
def test_name_that_is_guessed_or_would_be_another_topic_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text, encoding="ascii")
    with pytest.raises(ConfigError, match="no name of a group") as caught:
        read_group(tmp_path)
    assert "fleet grant collector" in caught.value.hint


def test_missing_folder_and_missing_file_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read_group(None)
    assert "--credentials" in caught.value.hint
    with pytest.raises(ConfigError, match="cannot read"):
        read_group(tmp_path)
