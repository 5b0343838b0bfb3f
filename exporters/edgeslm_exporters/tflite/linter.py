"""Refuses what LiteRT would load without a word and then run slowly or wrongly, or what an engine cannot drive.

Measured for one 4096 x 1536 product of one token: blocks of 16 or 48 codes fall off XNNPACK and take 20 ms instead of
0.065; codes that are widened to float by an operator of their own take four times the memory; an operator XNNPACK does
not know cuts the graph into two partitions, each with a pass over its values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgeslm_agent.engine.runtime.tflite_file import open_tflite
from edgeslm_exporters.tflite.layout import ALIGNMENT, XNNPACK_BLOCK
from edgeslm_exporters.tflite.schema import BLOCKWISE, TYPES, Op

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edgeslm_agent.engine.runtime.tflite_file import TfliteFile, View

KNOWN = {int(op) for op in Op}
INTEGERS = {TYPES["int8"], TYPES["int4"]}


@dataclass(frozen=True)
class _Subgraph:
    """One signature's graph, its tensors by index.

    `positive` says of a buffer of scales whether all are above 0: signatures share buffers, and each is read once.
    """

    file: TfliteFile
    name: str
    tensors: tuple[View, ...]
    operators: tuple[tuple[int, View], ...]
    positive: dict[int, bool]

    def inputs(self, operator: View) -> list[View | None]:
        return [self.tensors[index] if index >= 0 else None for index in operator.vector(1, "<i4").tolist()]


def lint(path: Path) -> tuple[str, ...]:
    """Return every slow or unsafe form of a file, for any board; none means it may ship.

    Raises Corrupt for what is no sound .tflite file.
    """
    file = open_tflite(path)
    codes = [code.scalar(3, "i") for code in file.model.tables(1)]
    positive: dict[int, bool] = {}
    graphs = [_subgraph(file, graph, codes, positive) for graph in file.model.tables(2)]
    problems = [*_buffers(file), *_signatures(file, graphs)]
    for graph in graphs:
        for code, operator in graph.operators:
            problems += _operator(graph, code, operator)
    return tuple(dict.fromkeys(problems))


def _subgraph(file: TfliteFile, graph: View, codes: list[int], positive: dict[int, bool]) -> _Subgraph:
    operators = tuple((codes[operator.scalar(0, "I")], operator) for operator in graph.tables(3))
    return _Subgraph(file, graph.text(4), graph.tables(0), operators, positive)


def _buffers(file: TfliteFile) -> Iterator[str]:
    for index, buffer in enumerate(file.model.tables(4)):
        if buffer.scalar(1, "Q") % ALIGNMENT:
            yield f"buffer {index} does not begin at a multiple of {ALIGNMENT}, so the runtime copies it"


def _signatures(file: TfliteFile, graphs: list[_Subgraph]) -> Iterator[str]:
    """A cache must go in and out with one shape, and all signatures must read the same copy of a matrix."""
    places: dict[str, int] = {}
    for signature in file.model.tables(7):
        graph, key = graphs[signature.scalar(4, "I")], signature.text(2)
        ins, outs = ({entry.text(0): entry.scalar(1, "I") for entry in signature.tables(side)} for side in (0, 1))
        for name in sorted(name for name in ins if name.startswith("kv_cache_")):
            if name not in outs:
                yield f"{key} does not give {name} back"
            elif _shape(graph.tensors[ins[name]]) != _shape(graph.tensors[outs[name]]):
                yield f"{key}: {name} changes its shape, so it cannot stay in one buffer"
        for tensor in graph.tensors:
            buffer = tensor.scalar(2, "I")
            if buffer and (name := tensor.text(3)) and places.setdefault(name, buffer) != buffer:
                yield f"{name} lies in the file twice"


def _operator(graph: _Subgraph, code: int, operator: View) -> Iterator[str]:
    if code not in KNOWN:
        yield f"{graph.name}: operator {code} is not one that XNNPACK takes"
    elif code == Op.DEQUANTIZE:
        value = graph.inputs(operator)[0]
        if value is not None and value.scalar(1, "b") in INTEGERS:
            yield f"{graph.name}: {value.text(3)} is widened to float, so its codes save no memory"
    elif code == Op.FULLY_CONNECTED:
        yield from _product(graph, operator)


def _product(graph: _Subgraph, operator: View) -> Iterator[str]:
    value, weights = graph.inputs(operator)[:2]
    if value is None or weights is None or weights.scalar(1, "b") not in INTEGERS:
        return
    name, options = weights.text(3), operator.table(4)
    if value.scalar(1, "b") != TYPES["float32"]:
        yield f"{graph.name}: {name} is not multiplied with float values"
    if options is None or not options.scalar(2, "?"):
        yield f"{graph.name}: {name} is multiplied without keep_num_dims, which folds the tokens away"
    quantization = weights.table(4)
    if quantization is None:
        yield f"{graph.name}: {name} has codes without scales"
    elif quantization.scalar(4, "B") == BLOCKWISE:
        yield from _blocks(graph, weights, quantization)
    else:
        yield from _rows(weights, quantization)


def _blocks(graph: _Subgraph, weights: View, quantization: View) -> Iterator[str]:
    name, (rows, columns), details = weights.text(3), _shape(weights), quantization.table(5)
    block = 0 if details is None else details.scalar(2, "i")
    if details is None or block <= 0 or block % XNNPACK_BLOCK or columns % block:
        yield f"{name}: blocks of {block} in rows of {columns} fall off XNNPACK, about 300 times slower"
        return
    scales = graph.tensors[details.scalar(0, "i")]
    if scales.scalar(1, "b") != TYPES["float16"] or _shape(scales) != [rows, columns // block]:
        yield f"{name}: the scales of blocks must be float16 [{rows}, {columns // block}]"
        return
    buffer = scales.scalar(2, "I")
    if buffer not in graph.positive:
        values = np.frombuffer(graph.file.buffer(buffer), np.float16)
        graph.positive[buffer] = bool((np.isfinite(values) & (values > 0)).all())
    if not graph.positive[buffer]:
        yield f"{name}: a scale is not above 0, which LiteRT refuses to load"


def _rows(weights: View, quantization: View) -> Iterator[str]:
    name, rows = weights.text(3), _shape(weights)[0]
    scales, zeros = quantization.vector(2, "<f4"), quantization.vector(3, "<i8")
    if len(scales) != rows or len(zeros) != rows:
        yield f"{name}: {rows} rows need as many scales and zero points, not {len(scales)} and {len(zeros)}"
    elif not (np.isfinite(scales) & (scales > 0)).all():
        yield f"{name}: a scale is not above 0, which LiteRT refuses to load"
    if zeros.any():
        yield f"{name}: zero points other than 0 have no kernel in XNNPACK"


def _shape(tensor: View) -> list[int]:
    found: list[int] = tensor.vector(0, "<i4").tolist()
    return found
