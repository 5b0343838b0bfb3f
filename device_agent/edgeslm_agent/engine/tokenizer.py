"""Text to token ids and back; the home of the `tokenizers` package."""

from __future__ import annotations

import re
import threading
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol

from edgeslm_agent.engine.heap import trim_heap
from edgeslm_agent.errors import Corrupt, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import tokenizers

_BYTE = re.compile("<0x[0-9A-Fa-f]{2}>")


class Tokenizer(Protocol):
    """What a session needs of a tokenizer. Special tokens are read in text, never added, and never written."""

    @property
    def special_tokens(self) -> Mapping[str, int]:
        """The special tokens by their text."""

    def encode(self, text: str) -> list[int]:
        """Return the ids of `text`."""

    def encode_plain(self, text: str) -> list[int]:
        """Return the ids of `text`, whose special tokens are read as plain characters."""

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of `ids`, without special tokens."""

    def is_silent(self, token: int) -> bool:
        """Return whether a token says nothing, wherever it stands: a special one, or an id without a token."""

    def is_byte(self, token: int) -> bool:
        """Return whether a token stands for one byte, whose text depends on the bytes around it."""


class FastTokenizer:
    """A `tokenizer.json` read by the tokenizers package."""

    def __init__(self, file: Path) -> None:
        """Raise MissingExtra without the package, Corrupt when the file is no tokenizer."""
        self._tokenizer = _load(file)
        self._lock = threading.Lock()  # whether special tokens are read is a switch of the whole tokenizer

    @cached_property
    def special_tokens(self) -> Mapping[str, int]:
        """The special tokens by their text."""
        added = self._tokenizer.get_added_tokens_decoder()
        return {token.content: index for index, token in sorted(added.items()) if token.special}

    def encode(self, text: str) -> list[int]:
        """Return the ids of `text`."""
        with self._lock:
            ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def encode_plain(self, text: str) -> list[int]:
        """Return the ids of `text`, whose special tokens are read as plain characters."""
        with self._lock:
            self._tokenizer.encode_special_tokens = True
            try:
                ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
            finally:
                self._tokenizer.encode_special_tokens = False
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of `ids`, without special tokens."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True))

    def is_silent(self, token: int) -> bool:
        """Return whether a token is special, or an id between the vocabulary and the model's padded size."""
        return token in self._silent or self._tokenizer.id_to_token(token) is None

    @cached_property
    def _silent(self) -> frozenset[int]:
        return frozenset(self.special_tokens.values())

    def is_byte(self, token: int) -> bool:
        """Return whether a token stands for one byte, as `<0x0A>` does in a vocabulary with byte fallback."""
        return _BYTE.fullmatch(self._tokenizer.id_to_token(token) or "") is not None


class SentenceTokenizer:
    """A `tokenizer.json` as an encoder reads it: special tokens around the text, cut to `most` tokens in all."""

    def __init__(self, file: Path, most: int) -> None:
        """Raise MissingExtra without the package, Corrupt when the file is no tokenizer."""
        self._tokenizer = _load(file)
        self._tokenizer.enable_truncation(most)

    def encode(self, text: str) -> tuple[list[int], int]:
        """Return the ids of `text`, and how many of its tokens were cut off to make them fit."""
        encoding = self._tokenizer.encode(text)
        dropped = sum(part.special_tokens_mask.count(0) for part in encoding.overflowing)
        return list(encoding.ids), dropped


def _load(file: Path) -> tokenizers.Tokenizer:
    """Read the file, without the truncation and padding that training may have left: they would change prompts."""
    if find_spec("tokenizers") is None:
        raise MissingExtra("the package tokenizers is not installed", 'pip install "edgeslm[ort]"')
    import tokenizers  # lazily: an agent without a model stays small

    try:
        tokenizer = tokenizers.Tokenizer.from_file(str(file))
    except Exception as error:  # the package raises bare Exception
        raise Corrupt(f"{file.name} is not a tokenizer: {error}", "export the bundle again") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    trim_heap()
    return tokenizer
