from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgeslm.source import open_source, source_of
from edgeslm_agent.contract.manifest import ModelSource
from support.checkpoints import build_checkpoint, case_named
from support.gguf_files import write_gguf
from support.references import TESTS
from support.tiny import tiny_case

if TYPE_CHECKING:
    from pathlib import Path

ADAPTER = TESTS / "references" / "adapters" / "plain"


def test_a_label_says_where_a_model_came_from(tmp_path: Path) -> None:
    folder = build_checkpoint(case_named("llama-untied-bf16-sharded"), tmp_path / "mine")
    write_gguf(tmp_path / "small.gguf", tiny_case())
    assert open_source(None).label == "builtin:home"
    assert open_source(str(folder)).label == "folder:mine"
    assert open_source(str(folder), adapter=ADAPTER).label == "folder:mine+plain"
    assert open_source(str(tmp_path / "small.gguf")).label == "file:small.gguf"


@pytest.mark.parametrize(
    ("label", "revision", "again"),
    [
        ("builtin:home", "", "home"),
        ("hub:owner/name", "5" * 40, f"owner/name@{'5' * 40}"),
        ("hub:owner/name+lora", "5" * 40, None),
        ("folder:mine", "", None),
        ("file:small.gguf", "", None),
    ],
)
def test_what_can_be_opened_again_is_named_with_its_revision(label: str, revision: str, again: str | None) -> None:
    assert source_of(ModelSource("name", label, revision, "0" * 64, "llama", 1)) == again
