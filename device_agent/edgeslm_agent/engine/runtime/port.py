"""The port between a session and whatever computes logits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

SCORE_BYTES = 16 << 20  # of logits that a session scores at once


class Runtime(Protocol):
    """One decoder with one KV cache of `context` tokens.

    `past` is how many tokens of the cache count as read; a smaller number than before forgets the rest. Every array
    returned is a view into a buffer of the runtime: valid until the next call.
    """

    context: int
    vocab_size: int
    score_rows: int

    def settle(self) -> None:
        """Move the weights to where a token reads them fastest: takes a while, for a runtime that will make many."""

    def prefill(self, ids: Sequence[int], past: int) -> NDArray[np.float32]:
        """Read `ids` after `past` tokens; return the logits [vocab] that follow the last of them."""

    def step(self, token: int, past: int) -> NDArray[np.float32]:
        """Read one token after `past` tokens; return the logits [vocab] that follow it."""

    def score(self, ids: Sequence[int], past: int) -> NDArray[np.float32]:
        """Read at most `score_rows` ids after `past` tokens; return the logits [len(ids), vocab] after each."""

    def close(self) -> None:
        """Give the memory back; the runtime is of no use afterwards."""
