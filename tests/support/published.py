"""Configurations of well-known models as published, one JSON file each under tests/references/published.

A file holds `model` (its hub id), `source` (where its values were read), `parameters` (what transformers counts on the
meta device, a tied table once) and `config`, the keys of config.json that matter for sizes and the graph; `refusal`
names the form without an operator that keeps a model from being exported.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

PUBLISHED = Path(__file__).resolve().parent.parent / "references" / "published"


@dataclass(frozen=True)
class PublishedModel:
    """One published configuration; `name` is its file's."""

    name: str
    model: str
    source: str
    parameters: int
    config: dict[str, Any]
    refusal: str | None = None

    def write(self, folder: Path) -> None:
        """Replace its file in one step."""
        facts = {
            key: value for key, value in asdict(self).items() if key not in ("name", "config") and value is not None
        }
        text = _one_key_a_line({**facts, "config": self.config})
        temporary = folder / f"{self.name}.partial"
        temporary.write_text(text + "\n", encoding="utf-8")
        temporary.replace(folder / f"{self.name}.json")


def _one_key_a_line(document: dict[str, Any], indent: str = "") -> str:
    """Return JSON whose lists stay on one line: a list of rotary factors is as long as a screen."""
    inner = f"{indent}  "
    lines = [
        f"{inner}{json.dumps(key)}: {_one_key_a_line(value, inner) if isinstance(value, dict) else json.dumps(value)}"
        for key, value in document.items()
    ]
    return "{\n" + ",\n".join(lines) + f"\n{indent}}}"


def published() -> dict[str, PublishedModel]:
    """Return every published configuration by name."""
    files = sorted(PUBLISHED.glob("*.json"))
    return {file.stem: PublishedModel(file.stem, **json.loads(file.read_text(encoding="utf-8"))) for file in files}
