"""Writes the data file: row blocks are quantised in a few threads and written in the order of the layout.

At most a handful of row blocks exist at a time, so memory does not grow with the model. Every byte's position is known
beforehand from the layout; the bytes' hash is taken while they pass.
"""

from __future__ import annotations

import hashlib
import os
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeslm_agent.contract.manifest import FileEntry
from edgeslm_exporters.onnx.layout import DATA_NAME, POSITIONS, ROW_POINTS, rotary_names, scale_names
from edgeslm_exporters.part_reader import norm_tensors, part_bias, part_rows
from edgeslm_exporters.quantize.packing import pack, unpack
from edgeslm_exporters.quantized_rows import Blocks
from edgeslm_exporters.rotary import rotary_tables
from edgeslm_exporters.row_stream import floats, in_order, quantized, round_to_nearest, row_tasks, row_workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from edgeslm_exporters.decoder_spec import Projection
    from edgeslm_exporters.onnx.layout import Layout, Matrix
    from edgeslm_exporters.row_stream import Quantize, RowTask
    from edgeslm_exporters.weights import Weights

    Array = np.ndarray[Any, np.dtype[Any]]
    Arrays = tuple[Array, ...]

_NO_SCALES: Mapping[str, Array] = {}


def write_data(
    weights: Weights,
    layout: Layout,
    folder: Path,
    threads: int,
    advance: Callable[[int], None],
    *,
    quantize: Quantize = round_to_nearest,
    kv_scales: Mapping[str, Array] = _NO_SCALES,
) -> FileEntry:
    """Write the data file into `folder` and return its entry; `advance` is told how many weights were done.

    `quantize` turns rows of a quantised matrix into codes; several threads call it. `kv_scales` are those of a
    quantised KV cache (cache_scales.py).
    Raises BadCheckpoint when a weight is not finite.
    """
    tasks = [task for matrix in layout.matrices for task in row_tasks(matrix)]
    with (folder / DATA_NAME).open("wb") as stream, row_workers(threads) as pool:
        out = _Output(layout, stream.fileno())
        for name, values in _small_tensors(weights, layout, kv_scales):
            out.put(name, [values])
        later: list[Arrays] = []
        for task, arrays in in_order(pool, partial(_stored_rows, weights, quantize), tasks, ahead=2 * threads):
            names = [name for name, _, _ in task.matrix.tensors()]
            out.append(names[0], arrays[0])
            later.append(arrays[1:])
            advance(task.weights)
            if task.last:
                for index, name in enumerate(names[1:]):
                    out.put(name, (small[index] for small in later))
                _put_bias(weights, task.matrix.projection, out)
                if task.matrix is layout.table and layout.table.needs_row_points:
                    out.put(ROW_POINTS, [_row_points(layout.table, later)])
                later.clear()
    return FileEntry(f"artifacts/{DATA_NAME}", layout.weights_bytes, out.digest())


def _small_tensors(weights: Weights, layout: Layout, kv_scales: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
    """Yield tables of positions, scales of the cache and norms in the order of the layout."""
    for rotary, name in rotary_names(layout.spec).items():
        yield from zip((f"{name}.cos", f"{name}.sin"), rotary_tables(rotary, layout.context), strict=True)
    if layout.spec.positions is not None:
        yield POSITIONS, part_rows(weights, layout.spec.positions, 0, layout.by_name[POSITIONS].shape[0])
    for layer in layout.spec.stack if layout.kv_bits < 32 else ():
        yield from ((name, kv_scales[name]) for name in scale_names(layer))
    for norm in layout.spec.norms():
        yield from norm_tensors(weights, norm)


def _stored_rows(weights: Weights, quantize: Quantize, task: RowTask) -> Arrays:
    """Return the arrays of some rows in the order of `Matrix.tensors`."""
    storage = task.matrix.storage
    if not isinstance(storage, Blocks):
        return (floats(weights, task),)
    rows = quantized(weights, quantize, task)
    arrays = (pack(rows.codes, storage.bits), rows.scales)
    return arrays if rows.zero_points is None else (*arrays, pack(rows.zero_points, storage.bits))


def _row_points(table: Matrix, small: list[Arrays]) -> NDArray[np.uint8]:
    """Zero points of all rows without gaps, two to a byte; `small` holds scales and the padded zero points, if any."""
    count = table.projection.rows * table.blocks
    if len(small[0]) == 1:
        return pack(np.full(count, 8, np.uint8), 4)
    return pack(np.concatenate([unpack(points, 4, table.blocks) for _, points in small]).reshape(-1), 4)


def _put_bias(weights: Weights, projection: Projection, out: _Output) -> None:
    if projection.biased:
        out.put(f"{projection.name}.bias", [part_bias(weights, part) for part in projection.parts])


class _Output:
    """Appends tensors at the places the layout gives them and hashes what passes."""

    def __init__(self, layout: Layout, descriptor: int) -> None:
        self._layout = layout
        self._descriptor = descriptor
        self._hash = hashlib.sha256()
        self._end = 0

    def put(self, name: str, arrays: Iterable[Array]) -> None:
        """Append a whole tensor."""
        for array in arrays:
            self.append(name, array)
        tensor = self._layout.by_name[name]
        assert self._end == tensor.offset + tensor.bytes, f"{name} does not fill its place"

    def append(self, name: str, array: Array) -> None:
        """Append the next rows of a tensor, after the gap that puts its first ones on a page."""
        offset = self._layout.by_name[name].offset
        if self._end < offset:
            self._write(memoryview(bytes(offset - self._end)))
        self._write(np.ascontiguousarray(array).data.cast("B"))

    def _write(self, data: memoryview) -> None:
        self._hash.update(data)
        self._end += len(data)
        while len(data):
            data = data[os.write(self._descriptor, data) :]

    def digest(self) -> str:
        return self._hash.hexdigest()
