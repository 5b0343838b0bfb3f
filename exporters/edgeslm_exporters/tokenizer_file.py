"""What an export must know of a tokenizer.json: its size, its special tokens, and what it puts before every text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgeslm_agent.errors import BadCheckpoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_SAVE_AGAIN = "save the tokenizer again with the `tokenizers` library"


@dataclass(frozen=True)
class TokenizerFacts:
    """`size` is the highest id plus one, `special` maps special tokens to ids, `prefix` stands before every text."""

    size: int
    special: Mapping[str, int]
    prefix: tuple[int, ...]


def read_tokenizer(data: bytes, names: Iterable[str]) -> TokenizerFacts:
    """Read the bytes of a tokenizer.json; `names` are tokens to look up besides those it marks as special.

    The file is parsed and let go of: a vocabulary of 150,000 words must not stay in memory for three facts.
    Raises BadCheckpoint when it is not a tokenizer of the `tokenizers` library.
    """
    try:
        document = json.loads(data)
        vocabulary = _vocabulary(document["model"]["vocab"])
        added = {str(token["content"]): int(token["id"]) for token in document.get("added_tokens") or []}
        marked = {str(token["content"]) for token in document.get("added_tokens") or [] if token.get("special")}
        prefix = tuple(_prefix(document.get("post_processor") or {}))
    except (ValueError, KeyError, TypeError) as error:
        raise BadCheckpoint(f"tokenizer.json is not a tokenizer: {error!r}", _SAVE_AGAIN) from error
    known = {**vocabulary, **added}
    special = {name: known[name] for name in (*sorted(marked), *names) if name in known}
    return TokenizerFacts(max(known.values(), default=-1) + 1, special, prefix)


def _vocabulary(vocab: list[Any] | dict[str, Any]) -> dict[str, int]:
    """Token -> id; Unigram models keep a list of pairs in the order of their ids."""
    if isinstance(vocab, list):
        return {str(piece): index for index, (piece, _) in enumerate(vocab)}
    return {str(token): int(index) for token, index in vocab.items()}


def _prefix(processor: Mapping[str, Any]) -> Iterator[int]:
    """Yield the ids a TemplateProcessing puts before a single text; it may sit inside a Sequence."""
    for inner in processor.get("processors", ()):
        yield from _prefix(inner)
    if processor.get("type") != "TemplateProcessing":
        return
    for piece in processor["single"]:
        if "SpecialToken" not in piece:
            return
        yield from (int(index) for index in processor["special_tokens"][piece["SpecialToken"]["id"]]["ids"])
