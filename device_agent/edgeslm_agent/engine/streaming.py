"""Text from tokens as they come: no half characters, nothing that a later token would change, nothing after a stop.

token -> StreamDecoder: text that is settled -> StopFinder: text that begins no stop string -> Token
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm_agent.engine.generation import Token

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgeslm_agent.engine.tokenizer import Tokenizer

# What a decoder writes in place of bytes that are no character (yet).
REPLACEMENT = "\ufffd"


class StreamDecoder:
    """Turns tokens into text; all texts joined, that of `finish` last, are the text of all tokens decoded at once.

    The text of a token depends on the one before it (a leading space, a merged byte), so each step decodes the last
    written token with the new ones, and yields what is new. Two things are held back: the last character while it may
    be the beginning of one, and a run of byte tokens until it ends, since one wrong byte makes all of them unreadable.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._window: list[int] = []
        self._shown = 0  # characters of the window's text that are out already
        self.holding = False

    def push(self, token: int) -> str:
        """Return the text that became readable with `token`; `holding` says whether more waits for the next one."""
        if self._tokenizer.is_silent(token):
            return ""  # and it is no context: a space is dropped after nothing, but not after what says nothing
        self._window.append(token)
        if self._tokenizer.is_byte(token):
            self.holding = True
            return ""
        text = self._tokenizer.decode(self._window)
        self.holding = text.endswith(REPLACEMENT)
        settled = text.removesuffix(REPLACEMENT)
        new = settled[self._shown :]
        if not self.holding:
            self._window = [token]
            settled = self._tokenizer.decode(self._window)
        self._shown = len(settled)
        return new

    def finish(self) -> str:
        """Return the text that was held back, as unreadable as it may be."""
        return self._tokenizer.decode(self._window)[self._shown :]


class StopFinder:
    """Passes text on up to the first stop string, holding back an end that may be the beginning of one."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._held = ""
        self.found = False

    @property
    def holding(self) -> bool:
        """Whether text waits to be told from a stop string."""
        return bool(self._held)

    def push(self, text: str) -> str:
        """Return what may be shown with `text`; `found` says whether it ended at a stop string."""
        text = self._held + text
        spans = [(place + len(stop), place) for stop in self._stops if (place := text.find(stop)) >= 0]
        if spans:
            self.found, self._held = True, ""
            return text[: min(spans)[1]]  # the one that is complete first, so that it does not matter how text is cut
        kept = len(text) - max((_overlap(text, stop) for stop in self._stops), default=0)
        self._held = text[kept:]
        return text[:kept]

    def finish(self) -> str:
        """Return what was held back: no stop string came of it."""
        held, self._held = self._held, ""
        return held


class TokenStream:
    """Joins both: tokens with the text that became certain, so that the texts of all tokens joined are the answer.

    While text is held back, so is the last token, which can still carry it.
    """

    def __init__(self, tokenizer: Tokenizer, stops: Sequence[str]) -> None:
        self._decoder = StreamDecoder(tokenizer)
        self._stops = StopFinder(stops)
        self._waiting: list[int] = []
        self._text = ""

    @property
    def stopped(self) -> bool:
        """Whether a stop string came."""
        return self._stops.found

    def push(self, token: int) -> list[Token]:
        """Return the tokens that need not wait any more; none comes after a stop string."""
        self._waiting.append(token)
        self._text += self._stops.push(self._decoder.push(token))
        holding = not self.stopped and (self._decoder.holding or self._stops.holding)
        return self._released(len(self._waiting) - holding)

    def finish(self) -> list[Token]:
        """Return the token that still waits, with what is left of the text."""
        if not self.stopped:
            self._text += self._stops.push(self._decoder.finish())
            self._text += self._stops.finish()
        return self._released(len(self._waiting))

    def _released(self, count: int) -> list[Token]:
        if count == 0:
            return []
        texts = [*[""] * (count - 1), self._text]
        tokens = [Token(token, text) for token, text in zip(self._waiting, texts, strict=False)]
        self._waiting, self._text = self._waiting[count:], ""
        return tokens


def _overlap(text: str, stop: str) -> int:
    """Return the length of the longest end of `text` that `stop` begins with, the whole of it excepted."""
    longest = min(len(text), len(stop) - 1)
    return next((length for length in range(longest, 0, -1) if stop.startswith(text[-length:])), 0)
