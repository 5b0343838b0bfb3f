"""Text to token ids and back; the home of the `tokenizers` package."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol

from edgeslm_agent.errors import Corrupt, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

# What a decoder writes in place of bytes that are no character (yet).
REPLACEMENT = "\ufffd"
# A character has at most four bytes, hence at most four tokens: more that make no character never will.
LONGEST_CHARACTER = 4
# How many tokens without text the stream remembers in front of the next one.
CONTEXT_TOKENS = 8


class Tokenizer(Protocol):
    """What a session needs of a tokenizer. Special tokens are read in text, never added, and never written."""

    def encode(self, text: str) -> list[int]:
        """Return the ids of `text`."""

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of `ids`, without special tokens."""


class FastTokenizer:
    """A `tokenizer.json` read by the tokenizers package."""

    def __init__(self, file: Path) -> None:
        """Raise MissingExtra without the package, Corrupt when the file is no tokenizer."""
        if find_spec("tokenizers") is None:
            raise MissingExtra("the package tokenizers is not installed", 'pip install "edgeslm[ort]"')
        import tokenizers  # lazily: an agent without a model stays small

        try:
            self._tokenizer = tokenizers.Tokenizer.from_file(str(file))
        except Exception as error:  # the package raises bare Exception
            raise Corrupt(f"{file.name} is not a tokenizer: {error}", "export the bundle again") from error
        # A truncation or padding left in the file by training would silently change prompts.
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def encode(self, text: str) -> list[int]:
        """Return the ids of `text`."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of `ids`, without special tokens."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True))


class StreamDecoder:
    """Turns tokens into text as they come, holding back what is not a whole character yet.

    The text of a token depends on the one before it (a leading space, a merged byte), so each step decodes the last
    tokens that were written together with the new ones, and yields what is new.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str]) -> None:
        self._decode = decode
        self._written: list[int] = []
        self._pending: list[int] = []

    def push(self, token: int) -> str:
        """Return the text that became readable with `token`."""
        self._pending.append(token)
        before = self._decode(self._written) if self._written else ""
        text = self._decode([*self._written, *self._pending])
        if text.endswith(REPLACEMENT) and len(self._pending) < LONGEST_CHARACTER:
            return ""
        new = text[len(before) :]
        # A token without text (a special one) must not become the only context of the next.
        self._written = self._pending if new else [*self._written, *self._pending][-CONTEXT_TOKENS:]
        self._pending = []
        return new
