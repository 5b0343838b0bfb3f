"""Where weights come from, as the writers see it: a checkpoint, or a checkpoint with something done to it.

A LoRA merge, an activation-aware scaling or a rotation is a `Weights` around another one; a conversion streams through
the chain and never knows how long it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray


class Weights(Protocol):
    """Tensors by name, read a few rows at a time."""

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shape of every tensor by name."""

    def rows(self, name: str, start: int, stop: int) -> NDArray[np.float32]:
        """Return rows [start, stop) of a tensor as float32 [rows, columns]; a vector is one row. Threads may share it.

        Raises BadCheckpoint when the values cannot be read or are not finite.
        """
