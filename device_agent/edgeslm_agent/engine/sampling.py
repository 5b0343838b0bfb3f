"""Choose the next token from float32 logits [vocab]. Pure functions of arrays; the generator holds the only state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from edgeslm_agent.engine.generation import Generation

    Logits = NDArray[np.float32]
    Sampler = Callable[[Logits], int]


def sampler(options: Generation) -> Sampler:
    """Return the function that picks a token for `options`."""
    if options.temperature == 0 or options.top_k == 1:
        return greedy
    generator = np.random.default_rng(options.seed)

    def pick(logits: Logits) -> int:
        tokens, likely = candidates(logits, options.temperature, options.top_k, options.top_p)
        shares = np.cumsum(likely)
        return int(tokens[np.searchsorted(shares[:-1], generator.random() * shares[-1], side="right")])

    return pick


def greedy(logits: Logits) -> int:
    """Return the most likely token; the lowest id of those that tie."""
    return int(logits.argmax())


def candidates(
    logits: Logits, temperature: float, top_k: int, top_p: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the tokens that may be drawn, most likely first, and their probabilities (not renormalised).

    `top_k` keeps the k largest; `top_p` keeps the smallest set of the most likely whose share reaches it.
    """
    tokens = top_tokens(logits, top_k or logits.size)
    likely = softmax(logits[tokens], temperature)
    if top_p < 1:
        # The set ends with the token that makes the sum reach top_p, so at least one is kept.
        kept = int(np.searchsorted(np.cumsum(likely), top_p * likely.sum(), side="left")) + 1
        tokens, likely = tokens[:kept], likely[:kept]
    return tokens, likely


def top_tokens(logits: Logits, count: int) -> NDArray[np.int64]:
    """Return the ids of the `count` largest logits, largest first; ties by lower id."""
    count = min(count, logits.size)
    # argpartition is linear; a full sort of 150 000 logits would cost as much as a layer.
    kept = np.argpartition(-logits, count - 1)[:count] if count < logits.size else np.arange(logits.size)
    return kept[np.lexsort((kept, -logits[kept]))]


def softmax(logits: Logits, temperature: float = 1.0) -> NDArray[np.float64]:
    """Return exp(logits / temperature), normalised, in float64 [n]."""
    scaled = (logits.astype(np.float64) - float(logits.max())) / temperature
    likely = np.exp(scaled)
    return np.asarray(likely / likely.sum())
