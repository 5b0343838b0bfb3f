"""What speed is measured with, on every machine alike: a prompt of 128 tokens, an answer of 32, several rounds."""

from __future__ import annotations

from dataclasses import dataclass

PROMPT_TOKENS = 128
NEW_TOKENS = 32
STRIDE = 7919  # a prime: token ids that are spread over the vocabulary, the same everywhere


@dataclass(frozen=True)
class Workload:
    """Token ids of the prompt, and how many tokens to write."""

    prompt: tuple[int, ...]
    new_tokens: int


def workload(vocabulary: int, context: int) -> Workload:
    """Return what a model of this vocabulary and context is timed with; the prompt fills half a short context."""
    length = max(1, min(PROMPT_TOKENS, context // 2))
    prompt = tuple(STRIDE * (index + 1) % vocabulary for index in range(length))
    return Workload(prompt, min(NEW_TOKENS, context - length))
