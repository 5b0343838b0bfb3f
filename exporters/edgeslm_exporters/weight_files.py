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
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeslm_agent.errors import BadCheckpoint

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

HEADER_LIMIT = 100 * 2**20  # the format's own bound
WIDTHS = {"BF16": 2, "F16": 2, "F32": 4}
_AGAIN = "download the checkpoint again"


@dataclass(frozen=True)
class TensorHeader:
    """What a safetensors header says of one tensor; `offset` counts from the start of `file`."""

    dtype: str
    shape: tuple[int, ...]
    bytes: int
    file: Path
    offset: int


def read_headers(file: Path) -> dict[str, TensorHeader]:
    """Return the tensors of one file by name, without reading any of their bytes.

    Raises BadCheckpoint when the file is truncated or its header is not what the format asks for.
    """
    with file.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        length = int.from_bytes(stream.read(8), "little")
        if size < 8 or length > min(HEADER_LIMIT, size - 8):
            raise BadCheckpoint(f"{file.name} is truncated: {size} bytes cannot hold its header", _AGAIN)
        try:
            document = json.loads(stream.read(length))
        except ValueError as error:
            raise BadCheckpoint(f"{file.name} has no readable header: {error}", _AGAIN) from error
    if not isinstance(document, dict):
        raise BadCheckpoint(f"{file.name} has a header that is not an object", _AGAIN)
    entries = {name: entry for name, entry in document.items() if name != "__metadata__"}
    return {name: _tensor(file, name, entry, 8 + length, size) for name, entry in entries.items()}


def _tensor(file: Path, name: str, entry: dict[str, Any], start: int, size: int) -> TensorHeader:
    try:
        dtype, shape = str(entry["dtype"]), tuple(int(n) for n in entry["shape"])
        begin, end = (int(n) for n in entry["data_offsets"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadCheckpoint(f"{file.name}: the header's entry of {name} is not readable", _AGAIN) from error
    if begin < 0 or end < begin or min(shape, default=0) < 0:
        raise BadCheckpoint(f"{file.name}: {name} claims impossible bytes {begin}..{end} for shape {shape}", _AGAIN)
    if start + end > size:
        raise BadCheckpoint(f"{file.name} is truncated: {name} ends at byte {start + end}, the file at {size}", _AGAIN)
    if dtype in WIDTHS and math.prod(shape) * WIDTHS[dtype] != end - begin:
        raise BadCheckpoint(
            f"{file.name}: {name}, {dtype} {list(shape)}, does not fill its {end - begin} bytes", _AGAIN
        )
    return TensorHeader(dtype, shape, end - begin, file, start + begin)


def read_rows(descriptor: int, tensor: TensorHeader, start: int, stop: int) -> NDArray[np.float32]:
    """Return rows [start, stop) widened to float32 and flattened to [rows, columns]; a vector is one row.

    `descriptor` is the open file of `tensor`. Raises BadCheckpoint when the file got shorter, and ValueError (to be
    named by the caller, who knows the tensor) when a value is not finite.
    """
    columns = tensor.shape[-1] if tensor.shape else 1
    width = WIDTHS[tensor.dtype]
    raw = np.empty((stop - start, columns), np.uint16 if width == 2 else np.uint32)
    got = os.preadv(descriptor, [raw.data.cast("B")], tensor.offset + start * columns * width)
    if got != raw.nbytes:
        raise BadCheckpoint(f"{tensor.file.name} is truncated: {got} of {raw.nbytes} bytes read", _AGAIN)
    return _widened(raw, tensor.dtype)


# The exponent bits of each type: all ones means infinity or NaN, and the sign bit apart, no finite value is above.
_INFINITE = {"BF16": 0x7F80, "F16": 0x7C00, "F32": 0x7F800000}


def _widened(raw: NDArray[Any], dtype: str) -> NDArray[np.float32]:
    sign_less = raw.dtype.type(np.iinfo(raw.dtype).max >> 1)
    if raw.size and (raw & sign_less).max() >= _INFINITE[dtype]:
        raise ValueError("NaN or infinity")
    if dtype == "BF16":  # the upper half of a float32
        wide: NDArray[np.float32] = np.left_shift(raw, 16, dtype=np.uint32).view(np.float32)
    else:
        wide = raw.view(np.float16).astype(np.float32) if dtype == "F16" else raw.view(np.float32)
    return wide
