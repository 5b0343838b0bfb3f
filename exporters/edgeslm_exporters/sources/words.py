"""Codes packed into 32-bit words, as GPTQ, AWQ and compressed-tensors store them, and whole tensors of such words."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeslm_exporters.weight_files import FLOATS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgeslm_exporters.weight_files import WeightFiles

KEPT = 8  # tensors: the four of a matrix that is nearly done, and those of the next


def unpacked(words: NDArray[np.int32], bits: int) -> NDArray[np.uint8]:
    """Return the codes of int32 [..., n] as uint8 [..., 32 n / bits], the lowest bits first; `bits` divides 8."""
    octets = np.ascontiguousarray(words, "<i4").view(np.uint8)
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    codes: NDArray[np.uint8] = (octets[..., None] >> shifts) & np.uint8(2**bits - 1)
    return codes.reshape(*octets.shape[:-1], -1)


def columns_of(words: NDArray[np.int32], bits: int, start: int, stop: int) -> NDArray[np.uint8]:
    """Return codes [start, stop) of each row of words, unpacking those words alone."""
    per_word = 32 // bits
    first = start // per_word
    codes = unpacked(words[:, first : -(-stop // per_word)], bits)
    return codes[:, start - first * per_word : stop - first * per_word]


class WholeTensors:
    """Reads tensors whole, where a row is not contiguous, and keeps the last few; threads may share it."""

    def __init__(self, files: WeightFiles) -> None:
        self._files = files
        self._kept: OrderedDict[str, NDArray[Any]] = OrderedDict()
        self._lock = Lock()

    def has(self, name: str) -> bool:
        """Return whether the checkpoint has this tensor."""
        return name in self._files.headers

    def read(self, name: str) -> NDArray[Any]:
        """Return a tensor, floats widened to float32, integers as they are stored; a vector is one row.

        Raises BadCheckpoint as `WeightFiles` does.
        """
        with self._lock:
            if name not in self._kept:
                read = self._files.rows if self._files.headers[name].dtype in FLOATS else self._files.stored
                self._kept[name] = read(name, 0, self._files.all_rows(name))
            self._kept.move_to_end(name)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return self._kept[name]
