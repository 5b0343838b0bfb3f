"""What is asked of a session and what it answers, as plain frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edgeslm_agent.errors import UsageError

StopReason = Literal["stop", "length", "context"]
MAX_STOPS, MAX_STOP_LENGTH = 16, 256


@dataclass(frozen=True)
class Generation:
    """How to answer. The default is greedy: the most likely token each time, so equal prompts give equal answers.

    `max_tokens` bounds the answer (the bundle's own limit and the context bound it too). `temperature` 0 is greedy;
    above 0 it divides the logits, `top_k` (0: all) then `top_p` (1: all) narrow the choice, and `seed` makes it
    repeatable. `chat` wraps a text prompt in the bundle's chat format when it has one. `thinking` tells a template that
    asks whether to reason first (None: as the template likes). `stop` ends the answer before the first of these texts.
    `special_tokens` False reads special tokens spelled out in messages as plain characters, for text from strangers.
    `ignore_stop` goes on past stop tokens and texts, for measurements that need a given number of tokens.
    """

    max_tokens: int = 256
    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int | None = None
    chat: bool = True
    thinking: bool | None = None
    stop: tuple[str, ...] = ()
    special_tokens: bool = True
    ignore_stop: bool = False

    def __post_init__(self) -> None:
        """Raise UsageError for a value outside its range."""
        if self.max_tokens < 1:
            raise UsageError(f"max_tokens is {self.max_tokens}", "ask for at least one token")
        if not 0.0 <= self.temperature <= 100.0:
            raise UsageError(f"temperature is {self.temperature}", "use 0 (greedy) to 100; 0.7 is common")
        if self.seed is not None and self.seed < 0:
            raise UsageError(f"seed is {self.seed}", "use 0 or a positive number")
        if self.top_k < 0:
            raise UsageError(f"top_k is {self.top_k}", "use 0 (all tokens) or a positive number")
        if not 0.0 < self.top_p <= 1.0:
            raise UsageError(f"top_p is {self.top_p}", "use a number above 0, up to 1 (all tokens)")
        if len(self.stop) > MAX_STOPS or not all(0 < len(stop) <= MAX_STOP_LENGTH for stop in self.stop):
            raise UsageError(
                f"stop has {len(self.stop)} texts, or one that is empty or long",
                f"use at most {MAX_STOPS} texts of 1 to {MAX_STOP_LENGTH} characters",
            )


@dataclass(frozen=True)
class Token:
    """One generated token. `text` is what became certain with it: '' while a character or a stop text is incomplete."""

    id: int
    text: str


@dataclass(frozen=True)
class RunFigures:
    """What one answer took on this machine, measured.

    `first_token_s` runs from the call to the first token, encoding included. Rates are tokens per second; `decode_tps`
    counts the passes after the first token and is None when there were none.
    """

    prompt_tokens: int
    completion_tokens: int
    first_token_s: float
    prefill_tps: float
    decode_tps: float | None


@dataclass(frozen=True)
class Completion:
    """A whole answer.

    `stop_reason`: a stop token or text came, `max_tokens` was reached, or the context was full. A stop token is no part
    of the answer; of a stop text the tokens are (they were generated), but not the text.
    """

    text: str
    token_ids: tuple[int, ...]
    stop_reason: StopReason
    figures: RunFigures
