"""Safetensors files: their headers, and rows of their tensors read in place.

A file is eight bytes with the length of its header, the header (JSON: name -> dtype, shape, data_offsets) and the
tensors' bytes. Everything a header claims is checked against the file before a tensor is read.
Source: the format's description, https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeslm_agent.errors import BadCheckpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

HEADER_LIMIT = 100 * 2**20  # the format's own bound
# How numpy holds the bytes of each type; floats that numpy does not know are held as integers of their width.
STORED = {
    "F32": "<u4",
    "F16": "<u2",
    "BF16": "<u2",
    "F8_E4M3": "u1",
    "F8_E5M2": "u1",
    "I64": "<i8",
    "I32": "<i4",
    "I8": "i1",
    "U8": "u1",
}
FLOATS = ("F32", "F16", "BF16", "F8_E4M3", "F8_E5M2")
_AGAIN = "download the checkpoint again"


@dataclass(frozen=True)
class TensorHeader:
    """What a safetensors header says of one tensor; `offset` counts from the end of the header of `file`."""

    dtype: str
    shape: tuple[int, ...]
    bytes: int
    file: str
    offset: int


def read_headers(path: Path) -> dict[str, TensorHeader]:
    """Return the tensors of one file by name, without reading any of their bytes.

    Raises BadCheckpoint when the file is truncated or its header is not what the format asks for.
    """
    with path.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        length = int.from_bytes(stream.read(8), "little")
        if size < 8 or length > min(HEADER_LIMIT, size - 8):
            raise BadCheckpoint(f"{path.name} is truncated: {size} bytes cannot hold its header", _AGAIN)
        try:
            document = json.loads(stream.read(length))
        except (ValueError, RecursionError) as error:
            raise BadCheckpoint(f"{path.name} has no readable header: {error}", _AGAIN) from error
    if not isinstance(document, dict):
        raise BadCheckpoint(f"{path.name} has a header that is not an object", _AGAIN)
    entries = {name: entry for name, entry in document.items() if name != "__metadata__"}
    headers = {name: tensor_header(path.name, name, entry) for name, entry in entries.items()}
    for name, header in headers.items():
        end = 8 + length + header.offset + header.bytes
        if end > size:
            raise BadCheckpoint(f"{path.name} is truncated: {name} ends at byte {end}, the file at {size}", _AGAIN)
    return headers


def tensor_header(file: str, name: str, entry: Mapping[str, Any]) -> TensorHeader:
    """Return one entry of a file's header, checked in itself.

    Raises BadCheckpoint when its shape, type and bytes do not go together.
    """
    try:
        dtype, shape = str(entry["dtype"]), tuple(int(n) for n in entry["shape"])
        begin, end = (int(n) for n in entry["data_offsets"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadCheckpoint(f"{file}: the header's entry of {name} is not readable", _AGAIN) from error
    if begin < 0 or end < begin or min(shape, default=0) < 0:
        raise BadCheckpoint(f"{file}: {name} claims impossible bytes {begin}..{end} for shape {shape}", _AGAIN)
    if dtype in STORED and math.prod(shape) * np.dtype(STORED[dtype]).itemsize != end - begin:
        raise BadCheckpoint(f"{file}: {name}, {dtype} {list(shape)}, does not fill its {end - begin} bytes", _AGAIN)
    return TensorHeader(dtype, shape, end - begin, file, begin)


class WeightFiles:
    """The tensors of a checkpoint's safetensors files; threads may share it.

    `locate` returns the path of a file by its name; it is asked when the first tensor of that file is read.
    """

    def __init__(self, headers: Mapping[str, TensorHeader], locate: Callable[[str], Path]) -> None:
        self.headers = headers
        self._locate = locate
        self._places: dict[str, tuple[Path, int]] = {}

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every tensor by name."""
        return {name: header.shape for name, header in self.headers.items()}

    def rows(self, name: str, start: int, stop: int) -> NDArray[np.float32]:
        """Return rows [start, stop) of a float tensor as float32 [rows, columns]; a vector is one row.

        Raises BadCheckpoint when the values are not finite, the type is not a float, or the file was cut.
        """
        dtype = self.headers[name].dtype
        if dtype not in FLOATS:
            raise BadCheckpoint(
                f"{name} is stored as {dtype}; weights must be {', '.join(FLOATS)}", "take the unquantised checkpoint"
            )
        values = widened(self.stored(name, start, stop), dtype)
        if values is None:
            raise BadCheckpoint(
                f"{name} holds NaN or infinity in rows {start} to {stop - 1}",
                "the weights are damaged; take them from their source",
            )
        return values

    def stored(self, name: str, start: int, stop: int) -> NDArray[Any]:
        """Return rows [start, stop) as they are stored (types as in STORED), [rows, columns]; a vector is one row.

        Raises BadCheckpoint when the type is not in STORED, or the file got shorter since its header was read.
        """
        tensor = self.headers[name]
        if tensor.dtype not in STORED:
            raise BadCheckpoint(f"{name} is stored as {tensor.dtype}", "take a checkpoint with another storage")
        columns = tensor.shape[-1] if tensor.shape else 1
        raw = np.empty((stop - start, columns), STORED[tensor.dtype])
        path, data = self._place(tensor.file)
        with path.open("rb", buffering=0) as stream:
            place = data + tensor.offset + start * columns * raw.itemsize
            got = os.preadv(stream.fileno(), [raw.data.cast("B")], place)
        if got != raw.nbytes:
            raise BadCheckpoint(f"{tensor.file} is truncated: {got} of {raw.nbytes} bytes read", _AGAIN)
        return raw

    def all_rows(self, name: str) -> int:
        """Return how many rows a tensor has; a vector has one."""
        shape = self.headers[name].shape
        return math.prod(shape[:-1])

    def _place(self, file: str) -> tuple[Path, int]:
        """Return where a file is and where its data starts."""
        if file not in self._places:
            path = self._locate(file)
            with path.open("rb") as stream:
                self._places[file] = path, 8 + int.from_bytes(stream.read(8), "little")
        return self._places[file]


# The exponent bits of each type: all ones means infinity or NaN, and the sign bit apart, no finite value is above.
# E4M3 has no infinity and one NaN, all ones.
_INFINITE = {"BF16": 0x7F80, "F16": 0x7C00, "F32": 0x7F800000, "F8_E4M3": 0x7F, "F8_E5M2": 0x7C}


def widened(raw: NDArray[Any], dtype: str) -> NDArray[np.float32] | None:
    """Return stored floats as float32, exactly; None when one is not finite."""
    sign_less = raw.dtype.type(np.iinfo(raw.dtype).max >> 1)
    if raw.size and (raw & sign_less).max() >= _INFINITE[dtype]:
        return None
    wide: NDArray[np.float32]
    if dtype == "BF16":  # the upper half of a float32
        wide = np.left_shift(raw, 16, dtype=np.uint32).view(np.float32)
    elif dtype == "F8_E4M3":
        wide = np.take(_e4m3(), raw)
    elif dtype == "F8_E5M2":  # the upper half of a float16
        wide = _halves(np.left_shift(raw, 8, dtype=np.uint16))
    else:
        wide = _halves(raw) if dtype == "F16" else raw.view(np.float32)
    return wide


def _halves(raw: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Return finite float16 as float32, a fifth of the time that numpy's astype takes.

    Exponent and mantissa are moved to where a float32 has them, which makes it too small by the difference of the
    biases (127 - 15): a power of two, so the product is exact, for numbers below the least normal one too.
    """
    bits = np.left_shift(raw.view(np.int16), 13, dtype=np.int32)  # extends the sign, which the mask leaves once
    bits &= np.int32(-0x70002000)
    wide = bits.view(np.float32)
    wide *= np.float32(2.0**112)
    return wide


@cache
def _e4m3() -> NDArray[np.float32]:
    """Return the value of every byte as E4M3: sign, four bits of exponent (bias 7), three of mantissa.

    Source: FP8 Formats for Deep Learning, arXiv 2209.05433, section 3.
    """
    byte = np.arange(256)
    exponent, mantissa = (byte >> 3) & 15, byte & 7
    magnitude = np.where(exponent > 0, np.ldexp(8.0 + mantissa, exponent - 10), np.ldexp(0.0 + mantissa, -9))
    values: NDArray[np.float32] = np.where(byte < 128, magnitude, -magnitude).astype(np.float32)
    return values
