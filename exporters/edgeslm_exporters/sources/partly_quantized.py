"""A checkpoint that came quantised: its matrices as codes, what its publisher left alone as floats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgeslm_agent.errors import BadCheckpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from edgeslm_exporters.quantized_rows import Blocks, QuantizedRows
    from edgeslm_exporters.sources.codes import Matrix
    from edgeslm_exporters.weights import Weights


class PartlyQuantized:
    """`QuantizedWeights` over `matrices` by the name of the weight each stands for, and `floats` for the rest."""

    def __init__(self, floats: Weights, matrices: Mapping[str, Matrix]) -> None:
        self._floats = floats
        self._matrices = matrices

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shape of every tensor by name, those of the weights the codes stand for included."""
        return {**self._floats.shapes, **{name: matrix.shape for name, matrix in self._matrices.items()}}

    def rows(self, name: str, start: int, stop: int) -> NDArray[np.float32]:
        """Return rows of a tensor as `Weights` does, dequantised where need be."""
        if name not in self._matrices:
            return self._floats.rows(name, start, stop)
        weights = self._matrices[name].codes(start, stop).weights()
        if not np.isfinite(weights).all():
            raise BadCheckpoint(
                f"{name} holds NaN or infinity in rows {start} to {stop - 1}",
                "the weights are damaged; take them from their source",
            )
        return weights

    def quantized_rows(self, name: str, start: int, stop: int, form: Blocks) -> QuantizedRows | None:
        """Return a tensor's own codes as `QuantizedWeights` does."""
        matrix = self._matrices.get(name)
        if matrix is None or matrix.form.bits != form.bits:
            return None
        return matrix.codes(start, stop).in_blocks(form)
