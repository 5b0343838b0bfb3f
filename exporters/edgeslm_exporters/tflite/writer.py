"""Writes model.tflite: room for the flatbuffer, the tensors behind it row block by row block, then the flatbuffer.

The flatbuffer comes last because scales of whole rows lie in it; its size is known from the start. The caller's folder
is temporary, so nobody meets the file half written, and the caller flushes it to the disk.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeslm_agent.bundle import file_digest
from edgeslm_agent.contract.manifest import FileEntry
from edgeslm_exporters.part_reader import norm_tensors, part_bias, part_rows
from edgeslm_exporters.quantize.packing import pack
from edgeslm_exporters.quantized_rows import Blocks
from edgeslm_exporters.rotary import rotary_tables
from edgeslm_exporters.row_stream import floats, in_order, quantized, round_to_nearest, row_tasks, row_workers
from edgeslm_exporters.tflite.graph import decoder_model
from edgeslm_exporters.tflite.layout import FILE_NAME, POSITIONS, rotary_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from edgeslm_exporters.decoder_spec import Rotary
    from edgeslm_exporters.quantized_rows import QuantizedRows
    from edgeslm_exporters.row_stream import Array, Quantize, RowTask
    from edgeslm_exporters.tflite.layout import Layout
    from edgeslm_exporters.weights import Weights

PAGE = 4096  # where the tensors begin, so that a mapped file has their alignment


def write_file(
    weights: Weights,
    layout: Layout,
    config: Mapping[str, Any],
    folder: Path,
    *,
    threads: int,
    advance: Callable[[int], None],
    quantize: Quantize = round_to_nearest,
) -> FileEntry:
    """Write the file into `folder` and return its entry; `advance` is told how many weights were done.

    `quantize` turns rows of a quantised matrix into codes; several threads call it.
    Raises BadCheckpoint when a weight is not finite, UnsupportedOperator when fp16 cannot hold it.
    """
    row_scales = {m.projection.name: np.ones(m.projection.rows, np.float32) for m in layout.matrices if m.by_row}
    model = decoder_model(layout, config, row_scales)
    flatbuffer = model.draft()
    start = -(-len(flatbuffer.data) // PAGE) * PAGE
    with (folder / FILE_NAME).open("wb") as stream, row_workers(threads) as pool:
        out = _Output(layout, stream.fileno(), start)
        for name, values in _small_tensors(weights, layout):
            out.put(name, [values])
        tasks = (task for matrix in layout.matrices for task in row_tasks(matrix))
        scales: list[Array] = []
        for task, arrays in in_order(pool, partial(_stored_rows, weights, quantize), tasks, ahead=2 * threads):
            out.append(next(iter(task.matrix.tensors()))[0], arrays[0])
            scales.extend(arrays[1:])
            advance(task.weights)
            if task.last:
                _finish(weights, task, scales, out, row_scales)
                scales = []
        model.settle(flatbuffer, start)
        os.pwrite(stream.fileno(), flatbuffer.data, 0)
    path = folder / FILE_NAME
    return FileEntry(f"artifacts/{FILE_NAME}", path.stat().st_size, file_digest(path))


def _finish(
    weights: Weights, task: RowTask, scales: list[Array], out: _Output, row_scales: dict[str, NDArray[np.float32]]
) -> None:
    """Write what follows the rows of a matrix: scales of blocks, and a bias; keep scales of rows for later."""
    projection = task.matrix.projection
    if projection.name in row_scales:
        np.concatenate(scales, out=row_scales[projection.name])
    elif scales:
        out.put(f"{projection.name}.scales", scales)
    if projection.biased:
        out.put(f"{projection.name}.bias", [part_bias(weights, part) for part in projection.parts])


def _small_tensors(weights: Weights, layout: Layout) -> Iterator[tuple[str, Array]]:
    """Yield tables of positions and norms in the order of the layout."""
    for rotary, name in rotary_names(layout.spec).items():
        yield from zip((f"{name}.cos", f"{name}.sin"), _whole_heads(rotary, layout), strict=True)
    if layout.spec.positions is not None:
        yield POSITIONS, part_rows(weights, layout.spec.positions, 0, layout.by_name[POSITIONS].shape[0])
    for norm in layout.spec.norms():
        yield from norm_tensors(weights, norm)


def _whole_heads(rotary: Rotary, layout: Layout) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return tables as wide as a head: (cos, cos, 1) and (-sin, sin, 0), so that what is not rotated stays."""
    cosine, sine = rotary_tables(rotary, layout.context)
    rest = np.zeros((layout.context, layout.spec.head_size - rotary.size), np.float32)
    return np.hstack([cosine, cosine, rest + 1]), np.hstack([-sine, sine, rest])


def _stored_rows(weights: Weights, quantize: Quantize, task: RowTask) -> tuple[Array, ...]:
    """Return rows as they are stored: floats, or signed codes and their scales."""
    storage = task.matrix.storage
    if not isinstance(storage, Blocks):
        return (floats(weights, task),)
    rows = quantized(weights, quantize, task)
    scales = rows.scales[:, 0] if storage.per_row else rows.scales.astype(np.float16)
    return signed_codes(rows, storage.bits, task.matrix.projection.columns), scales


def signed_codes(rows: QuantizedRows, bits: int, columns: int) -> NDArray[np.uint8]:
    """Return symmetric codes as bytes of two's complement, 4-bit ones two to a byte with the first in the low half."""
    codes = rows.codes.reshape(len(rows.codes), -1)[:, :columns]
    return pack(codes ^ np.uint8(1 << (bits - 1)), bits)  # zero is half the range: flipping the top bit moves it to 0


class _Output:
    """Appends tensors at the places the layout gives them, counted from `start`."""

    def __init__(self, layout: Layout, descriptor: int, start: int) -> None:
        self._layout, self._descriptor = layout, descriptor
        self._end = 0
        os.lseek(descriptor, start, os.SEEK_SET)

    def put(self, name: str, arrays: Iterable[Array]) -> None:
        """Append a whole tensor."""
        for array in arrays:
            self.append(name, array)
        tensor = self._layout.by_name[name]
        assert self._end == tensor.offset + tensor.bytes, f"{name} does not fill its place"

    def append(self, name: str, array: Array) -> None:
        """Append the next rows of a tensor, after the gap that aligns its first ones."""
        offset = self._layout.by_name[name].offset
        if self._end < offset:
            self._write(memoryview(bytes(offset - self._end)))
        self._write(np.ascontiguousarray(array).data.cast("B"))

    def _write(self, data: memoryview) -> None:
        self._end += len(data)
        while len(data):
            data = data[os.write(self._descriptor, data) :]
