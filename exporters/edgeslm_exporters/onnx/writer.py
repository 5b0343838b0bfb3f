"""Writes the data file: row blocks are quantised in a few threads and written in the order of the layout.

At most a handful of row blocks exist at a time, so memory does not grow with the model. Every byte's position is known
beforehand from the layout; the bytes' hash is taken while they pass.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeslm_agent.contract.manifest import FileEntry
from edgeslm_agent.errors import UnsupportedOperator
from edgeslm_exporters.onnx.layout import DATA_NAME, POSITIONS, ROW_POINTS, rotary_names, scale_names
from edgeslm_exporters.part_reader import norm_tensors, part_bias, part_codes, part_rows
from edgeslm_exporters.quantize.blockwise import FP16_LARGEST, quantize_rows
from edgeslm_exporters.quantize.packing import pack, unpack
from edgeslm_exporters.quantized_rows import Blocks
from edgeslm_exporters.rotary import rotary_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from concurrent.futures import Future
    from pathlib import Path

    from numpy.typing import NDArray

    from edgeslm_exporters.decoder_spec import Part
    from edgeslm_exporters.onnx.layout import Layout, Matrix
    from edgeslm_exporters.quantized_rows import QuantizedRows
    from edgeslm_exporters.weights import Weights

    Array = np.ndarray[Any, np.dtype[Any]]
    Arrays = tuple[Array, ...]
    Quantize = Callable[[Matrix, NDArray[np.float32]], QuantizedRows]

_NO_SCALES: Mapping[str, Array] = {}
ROW_BLOCK = 384 * 1024  # weights quantised at a time: fewer calls that hold the interpreter, temporaries of a few MB


@dataclass(frozen=True)
class _Task:
    """Rows [start, stop) of one part of a matrix; the `last` one completes the matrix."""

    matrix: Matrix
    part: Part
    start: int
    stop: int
    last: bool


def round_to_nearest(matrix: Matrix, values: NDArray[np.float32]) -> QuantizedRows:
    """Return rows of a matrix quantised without further knowledge: how `write_data` does it unless told otherwise."""
    form = matrix.storage
    assert isinstance(form, Blocks)
    return quantize_rows(values, form.bits, form.block, symmetric=form.symmetric, per_row=form.per_row)


def write_data(
    weights: Weights,
    layout: Layout,
    folder: Path,
    threads: int,
    advance: Callable[[int], None],
    quantize: Quantize = round_to_nearest,
    kv_scales: Mapping[str, Array] = _NO_SCALES,
) -> FileEntry:
    """Write the data file into `folder` and return its entry; `advance` is told how many weights were done.

    `quantize` turns rows of a quantised matrix into codes; several threads call it. `kv_scales` are those of a quantised
    KV cache (cache_scales.py).
    Raises BadCheckpoint when a weight is not finite.
    """
    tasks = [task for matrix in layout.matrices for task in _tasks(matrix)]
    with (folder / DATA_NAME).open("wb") as stream, ThreadPoolExecutor(threads, "quantize") as pool:
        out = _Output(layout, stream.fileno())
        for name, values in _small_tensors(weights, layout, kv_scales):
            out.put(name, [values])
        later: list[Arrays] = []
        for task, arrays in _ordered(pool, partial(_stored_rows, weights, quantize), tasks, ahead=2 * threads):
            names = [name for name, _, _ in task.matrix.tensors()]
            out.append(names[0], arrays[0])
            later.append(arrays[1:])
            advance((task.stop - task.start) * task.matrix.projection.columns)
            if task.last:
                for index, name in enumerate(names[1:]):
                    out.put(name, (small[index] for small in later))
                _put_bias(weights, task.matrix, out)
                if task.matrix is layout.table and task.matrix.needs_row_points:
                    out.put(ROW_POINTS, [_row_points(task.matrix, later)])
                later.clear()
        os.fsync(stream.fileno())
    return FileEntry(f"artifacts/{DATA_NAME}", layout.weights_bytes, out.digest())


def _small_tensors(
    weights: Weights, layout: Layout, kv_scales: Mapping[str, Array]
) -> Iterator[tuple[str, Array]]:
    """Yield tables of positions, scales of the cache and norms in the order of the layout."""
    for rotary, name in rotary_names(layout.spec).items():
        yield from zip((f"{name}.cos", f"{name}.sin"), rotary_tables(rotary, layout.context), strict=True)
    if layout.spec.positions is not None:
        yield POSITIONS, part_rows(weights, layout.spec.positions, 0, layout.by_name[POSITIONS].shape[0])
    for layer in layout.spec.stack if layout.kv_bits < 32 else ():
        yield from ((name, kv_scales[name]) for name in scale_names(layer))
    for norm in layout.spec.norms():
        yield from norm_tensors(weights, norm)


def _tasks(matrix: Matrix) -> Iterator[_Task]:
    rows = max(1, ROW_BLOCK // matrix.projection.columns)
    *_, final = matrix.projection.parts
    for part in matrix.projection.parts:
        for start in range(0, part.rows, rows):
            stop = min(start + rows, part.rows)
            yield _Task(matrix, part, start, stop, last=part is final and stop == part.rows)


def _ordered(
    pool: ThreadPoolExecutor, work: Callable[[_Task], Arrays], tasks: Iterable[_Task], *, ahead: int
) -> Iterator[tuple[_Task, Arrays]]:
    """Yield tasks with their results in the order of the tasks, with at most `ahead` of them begun."""
    pending: deque[tuple[_Task, Future[Arrays]]] = deque()
    try:
        for task in tasks:
            pending.append((task, pool.submit(work, task)))
            if len(pending) > ahead:
                first, future = pending.popleft()
                yield first, future.result()
        while pending:
            first, future = pending.popleft()
            yield first, future.result()
    finally:
        for _, future in pending:
            future.cancel()


def _stored_rows(weights: Weights, quantize: Quantize, task: _Task) -> Arrays:
    """Return the arrays of some rows in the order of `Matrix.tensors`."""
    storage, place = task.matrix.storage, (weights, task.part, task.start, task.stop)
    if not isinstance(storage, Blocks):
        values = part_rows(*place)
        return (_as_fp16(task.part.weight, values) if storage == "fp16" else values,)
    rows = part_codes(*place, storage) or quantize(task.matrix, part_rows(*place))
    arrays = (pack(rows.codes, storage.bits), rows.scales)
    return arrays if rows.zero_points is None else (*arrays, pack(rows.zero_points, storage.bits))


def _as_fp16(weight: str, values: NDArray[np.float32]) -> NDArray[np.float16]:
    """Narrow to fp16.

    Raises UnsupportedOperator for a weight that fp16 cannot hold.
    """
    if np.abs(values).max(initial=0) > FP16_LARGEST:
        raise UnsupportedOperator(f"{weight} has weights above {FP16_LARGEST:.0f}, the largest of fp16", "use fp32")
    return values.astype(np.float16)


def _row_points(table: Matrix, small: list[Arrays]) -> NDArray[np.uint8]:
    """Zero points of all rows without gaps, two to a byte; `small` holds scales and the padded zero points, if any."""
    count = table.projection.rows * table.blocks
    if len(small[0]) == 1:
        return pack(np.full(count, 8, np.uint8), 4)
    return pack(np.concatenate([unpack(points, 4, table.blocks) for _, points in small]).reshape(-1), 4)


def _put_bias(weights: Weights, matrix: Matrix, out: _Output) -> None:
    if matrix.projection.biased:
        biases = [part_bias(weights, part) for part in matrix.projection.parts]
        out.put(f"{matrix.projection.name}.bias", biases)


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
