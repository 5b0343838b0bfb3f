"""What `transformers` makes of support/texts.py with each tokenizer, kept as digests in references/tokenizers.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypedDict

from support.conversations import SHARED
from support.references import HOME

REFERENCES = Path(__file__).resolve().parents[1] / "references" / "tokenizers.json"
WHOLE = 20  # texts whose ids are kept whole, to see what differs


class TokenizerReference(TypedDict):
    """Digests of ids and of decoded texts, in the order of TEXTS and then of `random_ids`.

    `chats` are the ids of each text as one message, `plain_chats` those with its special tokens read as characters.
    """

    ids: list[str]
    texts: list[str]
    whole: list[list[int]]
    chats: list[str]
    plain_chats: list[str]


def tokenizer_folders() -> dict[str, Path]:
    """Return the folders with a tokenizer: the built-in model's, and those beside the repository where they are."""
    shared = {f"shared-{file.parent.name}": file.parent for file in sorted(SHARED.glob("*/tokenizer.json"))}
    return {"home": HOME, **shared}


def read_tokenizer_references() -> dict[str, TokenizerReference]:
    """Return the references by tokenizer."""
    references: dict[str, TokenizerReference] = json.loads(REFERENCES.read_text(encoding="utf-8"))
    return references
