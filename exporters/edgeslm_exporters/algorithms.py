"""What the algorithm in a recipe's name does to weights before and while they are written.

Most recipes name none, so each algorithm is imported when one does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from edgeslm_exporters.quantized_rows import Blocks
from edgeslm_exporters.row_stream import round_to_nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from edgeslm_exporters.decoder_spec import DecoderSpec
    from edgeslm_exporters.matrices import AnyLayout, Matrix
    from edgeslm_exporters.quantize.awq import ScaledWeights
    from edgeslm_exporters.quantize.inputs import Inputs
    from edgeslm_exporters.quantized_rows import QuantizedRows
    from edgeslm_exporters.row_stream import Quantize
    from edgeslm_exporters.weights import Weights

    Rows = Callable[[NDArray[np.float32], Blocks, Inputs], QuantizedRows]


@dataclass(frozen=True)
class Workbench:
    """What calibrating takes: texts of token ids, an empty folder that stays until the weights are written, threads.

    `advance` is told what calibrating did (calibrate.py).
    """

    texts: Sequence[Sequence[int]]
    folder: Path
    threads: int
    advance: Callable[[int], None]


def prepare(
    algorithm: str | None, weights: Weights, spec: DecoderSpec, places: AnyLayout, bench: Workbench
) -> tuple[Weights, Quantize]:
    """Return the weights to write, and how their rows are quantised. `spec` is that of `weights`.

    Raises UsageError when a calibration text is needed and too short, and what reading and running the model raise.
    """
    if algorithm is None:
        return weights, round_to_nearest
    from edgeslm_exporters.calibrate import calibrate
    from edgeslm_exporters.quantize.rotation import RotatedWeights

    if algorithm.startswith("rot"):
        weights = RotatedWeights(weights, spec)
    if algorithm == "rot":
        return weights, round_to_nearest
    inputs = calibrate(weights, places.spec, bench.texts, bench.folder, threads=bench.threads, advance=bench.advance)
    if algorithm == "awq":
        from edgeslm_exporters.quantize.awq import scaled

        forms = {m.projection.name: m.storage for m in places.products if isinstance(m.storage, Blocks)}
        scaled_weights = scaled(weights, places.spec, forms, inputs)
        return scaled_weights, partial(_searched, scaled_weights, inputs)
    return weights, partial(_calibrated, _by_rows(algorithm), inputs)


def _by_rows(algorithm: str) -> Rows:
    """Return what quantises rows by their inputs."""
    from edgeslm_exporters.quantize import gptq, hqq, searched

    found: dict[str, Rows] = {
        "search": searched.quantize,
        "hqq": hqq.quantize,
        "gptq": gptq.quantize,
        "rotgptq": gptq.quantize,
    }
    return found[algorithm]


def _searched(
    weights: ScaledWeights, inputs: Mapping[str, Inputs], matrix: Matrix, values: NDArray[np.float32]
) -> QuantizedRows:
    """Quantise rows of scaled weights by what their inputs are by then."""
    from edgeslm_exporters.quantize import searched

    seen = inputs.get(matrix.projection.name)
    if seen is None:
        return round_to_nearest(matrix, values)
    assert isinstance(matrix.storage, Blocks)
    return searched.quantize_by(values, matrix.storage, weights.power(matrix.projection, seen.power))


def _calibrated(rows: Rows, inputs: Mapping[str, Inputs], matrix: Matrix, values: NDArray[np.float32]) -> QuantizedRows:
    """Quantise rows by what their inputs were; without having seen any, round to nearest."""
    seen = inputs.get(matrix.projection.name)
    if seen is None:
        return round_to_nearest(matrix, values)
    assert isinstance(matrix.storage, Blocks)
    return rows(values, matrix.storage, seen)
