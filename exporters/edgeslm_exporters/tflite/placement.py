"""Which operators of a .tflite an accelerator takes, by the list its maker publishes; the others stay on the CPU.

What is counted: operators whose inputs and output are int8 and whose name is on the list, and the share of all
multiply-adds they do. A compiler that makes one partition takes the first row of such operators and nothing behind it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgeslm_agent.engine.runtime.tflite_file import open_tflite
from edgeslm_exporters.tflite.schema import TYPES, Op

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from edgeslm_agent.engine.runtime.tflite_file import View


@dataclass(frozen=True)
class Placement:
    """How many operators are taken, of how many, their share of the multiply-adds, and how often which one is not."""

    taken: int
    total: int
    share: float
    left: Mapping[str, int]


@dataclass(frozen=True)
class _Step:
    name: str
    fits: bool
    multiply_adds: int


def placed(path: Path, operators: Collection[str], *, one_partition: bool) -> Placement:
    """Return what an accelerator that knows `operators` takes of a file with one subgraph.

    Raises Corrupt for what is no sound .tflite file.
    """
    model = open_tflite(path).model
    codes = [code.scalar(3, "i") for code in model.tables(1)]
    (graph,) = model.tables(2)
    tensors = graph.tables(0)
    steps = [_step(codes[operator.scalar(0, "I")], operator, tensors, operators) for operator in graph.tables(3)]
    taken = _first_row(steps) if one_partition else [step for step in steps if step.fits]
    whole = sum(step.multiply_adds for step in steps)
    left = Counter(step.name for step in steps)
    left.subtract(step.name for step in taken)
    share = sum(step.multiply_adds for step in taken) / max(whole, 1)
    return Placement(len(taken), len(steps), share, {name: count for name, count in sorted(left.items()) if count})


def _first_row(steps: list[_Step]) -> list[_Step]:
    """Return the first operators that fit one behind the other and multiply anything."""
    row: list[_Step] = []
    for step in steps:
        if step.fits:
            row.append(step)
        elif any(done.multiply_adds for done in row):
            break
        else:
            row = []
    return row


def _step(code: int, operator: View, tensors: tuple[View, ...], known: Collection[str]) -> _Step:
    name = Op(code).name if code in set(Op) else f"operator {code}"
    inputs = [tensors[index] for index in operator.vector(1, "<i4").tolist() if index >= 0]
    output = tensors[int(operator.vector(2, "<i4")[0])]
    values = [tensor for tensor in inputs if tensor.scalar(2, "I") == 0]  # constants have a buffer
    whole = all(tensor.scalar(1, "b") == TYPES["int8"] for tensor in (*values, output))
    return _Step(name, whole and name in known, _multiply_adds(code, inputs, output))


def _multiply_adds(code: int, inputs: list[View], output: View) -> int:
    size = int(np.prod(output.vector(0, "<i4")))
    if code in (Op.CONV_2D, Op.BATCH_MATMUL, Op.FULLY_CONNECTED):
        return size * int(inputs[0].vector(0, "<i4")[-1])
    return size if code == Op.DEPTHWISE_CONV_2D else 0
