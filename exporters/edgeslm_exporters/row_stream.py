"""Streams a checkpoint's matrices as rows, quantised where a layout wants codes: a few threads, results in order.

At most a handful of row blocks exist at a time, so memory does not grow with the model. Both writers read from here,
so that codes and scales of one recipe are the same in every format.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from edgeslm_agent.engine.heap import keep_freed
from edgeslm_agent.errors import UnsupportedOperator
from edgeslm_exporters.part_reader import part_codes, part_rows
from edgeslm_exporters.quantize.blockwise import FP16_LARGEST, quantize_rows
from edgeslm_exporters.quantized_rows import Blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

    from numpy.typing import NDArray

    from edgeslm_exporters.decoder_spec import Part
    from edgeslm_exporters.matrices import Matrix
    from edgeslm_exporters.quantized_rows import QuantizedRows
    from edgeslm_exporters.weights import Weights

    Array = np.ndarray[Any, np.dtype[Any]]
    Arrays = tuple[Array, ...]
    Quantize = Callable[[Matrix, NDArray[np.float32]], QuantizedRows]

S = TypeVar("S")
T = TypeVar("T")

ROW_BLOCK = 768 * 1024  # weights quantised at a time: fewer calls that hold the interpreter, temporaries of a few MB
KEPT_BYTES = 30 * 2**20  # of a freed temporary


@dataclass(frozen=True)
class RowTask:
    """Rows [start, stop) of one part of a matrix; the `last` one completes the matrix."""

    matrix: Matrix
    part: Part
    start: int
    stop: int
    last: bool

    @property
    def weights(self) -> int:
        """How many weights these rows have."""
        return (self.stop - self.start) * self.matrix.projection.columns


def round_to_nearest(matrix: Matrix, values: NDArray[np.float32]) -> QuantizedRows:
    """Return rows of a matrix quantised without further knowledge: what a writer does unless told otherwise."""
    form = matrix.storage
    assert isinstance(form, Blocks)
    return quantize_rows(values, form.bits, form.block, symmetric=form.symmetric, per_row=form.per_row)


def row_tasks(matrix: Matrix) -> Iterator[RowTask]:
    """Yield the tasks of one matrix in the order of its rows."""
    rows = max(1, ROW_BLOCK // matrix.projection.columns)
    *_, final = matrix.projection.parts
    for part in matrix.projection.parts:
        for start in range(0, part.rows, rows):
            stop = min(start + rows, part.rows)
            yield RowTask(matrix, part, start, stop, last=part is final and stop == part.rows)


def row_workers(threads: int) -> ThreadPoolExecutor:
    """Return the threads that quantise rows, with their temporaries kept from one block to the next.

    Else a third of the time goes into having the same pages again from the kernel.
    """
    keep_freed(KEPT_BYTES)
    return ThreadPoolExecutor(threads, "quantize")


def in_order(
    pool: ThreadPoolExecutor, work: Callable[[S], T], tasks: Iterable[S], *, ahead: int
) -> Iterator[tuple[S, T]]:
    """Yield tasks with their results in the order of the tasks, with at most `ahead` of them begun."""
    pending: deque[tuple[S, Future[T]]] = deque()
    try:
        for task in tasks:
            pending.append((task, pool.submit(work, task)))
            if len(pending) > ahead:
                yield _ended(*pending.popleft())
        while pending:
            yield _ended(*pending.popleft())
    finally:
        for _, future in pending:
            future.cancel()


def _ended(task: S, future: Future[T]) -> tuple[S, T]:
    """Wait for a result. A generator's own variables would keep it alive until the next one."""
    return task, future.result()


def quantized(weights: Weights, quantize: Quantize, task: RowTask) -> QuantizedRows:
    """Return the rows as codes: those they came with where they fit the form, else what `quantize` makes of them."""
    form = task.matrix.storage
    assert isinstance(form, Blocks)
    place = (weights, task.part, task.start, task.stop)
    return part_codes(*place, form) or quantize(task.matrix, part_rows(*place))


def floats(weights: Weights, task: RowTask) -> Array:
    """Return the rows as the floats their matrix is stored in.

    Raises UnsupportedOperator for a weight that fp16 cannot hold.
    """
    values = part_rows(weights, task.part, task.start, task.stop)
    if task.matrix.storage == "fp32":
        return values
    if np.abs(values).max(initial=0) > FP16_LARGEST:
        weight = task.part.weight
        raise UnsupportedOperator(f"{weight} has weights above {FP16_LARGEST:.0f}, the largest of fp16", "use fp32")
    return values.astype(np.float16)
