"""A runtime that answers what a test wrote down: it implements the engine's port without any graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class ScriptedRuntime:
    """Says the tokens of `script` one after the other, whatever it reads; `calls` records (kind, ids, past)."""

    def __init__(self, script: Sequence[int], *, context: int = 64, vocab_size: int = 260, score_rows: int = 4) -> None:
        self.context, self.vocab_size, self.score_rows = context, vocab_size, score_rows
        self.calls: list[tuple[str, tuple[int, ...], int]] = []
        self.closed = 0
        self._script = list(script)
        self._said = 0

    def settle(self) -> None:
        """Leave everything where it is."""

    def prefill(self, ids: Sequence[int], past: int) -> NDArray[np.float32]:
        """Start the script again."""
        self.calls.append(("prefill", tuple(ids), past))
        self._said = 0
        return self._next()

    def step(self, token: int, past: int) -> NDArray[np.float32]:
        """Go on in the script."""
        self.calls.append(("step", (token,), past))
        return self._next()

    def score(self, ids: Sequence[int], past: int) -> NDArray[np.float32]:
        """Return rows that are one at the id they follow."""
        self.calls.append(("score", tuple(ids), past))
        return np.eye(self.vocab_size, dtype=np.float32)[list(ids)]

    def close(self) -> None:
        """Count the call."""
        self.closed += 1

    def _next(self) -> NDArray[np.float32]:
        token = self._script[self._said % len(self._script)]
        self._said += 1
        logits: NDArray[np.float32] = np.zeros(self.vocab_size, np.float32)
        logits[token] = 1
        return logits
