"""Where weights come from, as the writers see it: a checkpoint, or a checkpoint with something done to it.

A LoRA merge, an activation-aware scaling or a rotation is a `Weights` around another one; a conversion streams through
the chain and never knows how long it is. A source that came quantised is also a `QuantizedWeights`; a wrapper that
changes values is not one for what it changes, so codes never reach a file without what was done to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from edgeslm_exporters.quantized_rows import Blocks, QuantizedRows


class Weights(Protocol):
    """Tensors by name, read a few rows at a time."""

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shape of every tensor by name."""

    def rows(self, name: str, start: int, stop: int) -> NDArray[np.float32]:
        """Return rows [start, stop) of a tensor as float32 [rows, columns]; a vector is one row. Threads may share it.

        Raises BadCheckpoint when the values cannot be read or are not finite.
        """


@runtime_checkable
class QuantizedWeights(Weights, Protocol):
    """Weights of which some were quantised by whoever published them."""

    def quantized_rows(self, name: str, start: int, stop: int, form: Blocks) -> QuantizedRows | None:
        """Return the tensor's own codes in the asked form, or None where they do not fit it to the bit.

        Raises BadCheckpoint as `rows` does.
        """
