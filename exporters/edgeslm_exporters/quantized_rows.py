"""What quantised rows are, to those who make them (algorithms, checkpoints that came quantised) and who store them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Blocks:
    """A quantised matrix: `bits` a weight, blocks of `block` along K (`per_row`: a row's blocks share their scale)."""

    bits: int
    block: int
    symmetric: bool
    per_row: bool

    @property
    def zero(self) -> int:
        """The code that stands for zero when the codes are symmetric."""
        return 1 << (self.bits - 1)

    @property
    def codes(self) -> tuple[int, int]:
        """The lowest and the highest code: signed 4 bits reach from -8 to 7, signed 8 bits from -127 to 127."""
        return 1 if self.symmetric and self.bits == 8 else 0, 2**self.bits - 1


@dataclass(frozen=True)
class QuantizedRows:
    """`codes` uint8 [rows, blocks, block], `scales` float32 [rows, blocks], `zero_points` uint8 likewise or None.

    A weight is (code - zero point) x scale; without zero points it is 2^(bits - 1). Scales are positive and exact in
    fp16. Symmetric codes minus 2^(bits - 1) lie in [-8, 7] or [-127, 127]; those of a checkpoint may reach -128.
    """

    codes: NDArray[np.uint8]
    scales: NDArray[np.float32]
    zero_points: NDArray[np.uint8] | None

    def dequantize(self, bits: int, columns: int) -> NDArray[np.float32]:
        """Return the weights the codes stand for, float32 [rows, columns]."""
        points = (
            np.float32(2 ** (bits - 1)) if self.zero_points is None else self.zero_points[..., None].astype(np.float32)
        )
        weights: NDArray[np.float32] = (self.codes.astype(np.float32) - points) * self.scales[..., None]
        return weights.reshape(len(weights), -1)[:, :columns]
