from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgeslm_exporters.architectures import describe
from edgeslm_exporters.quantize import awq
from edgeslm_exporters.quantize.blockwise import quantize_rows
from edgeslm_exporters.quantize.inputs import Inputs
from edgeslm_exporters.quantized_rows import Blocks
from support.calibrated import drawn_inputs
from support.tiny import tiny_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from edgeslm_exporters.checkpoint import Checkpoint
    from edgeslm_exporters.decoder_spec import DecoderSpec, Projection

FORM = Blocks(4, 32, symmetric=True, per_row=False)


def opened(folder: Path) -> tuple[Checkpoint, DecoderSpec]:
    checkpoint = tiny_checkpoint(folder)
    return checkpoint, describe(checkpoint.config, checkpoint.shapes)


def product_error(values: NDArray[np.float32], factors: NDArray[np.float32], inputs: Inputs) -> float:
    rows = quantize_rows(values * factors, 4, 32, symmetric=True)
    return float(np.square((rows.dequantize(4, values.shape[1]) / factors - values) @ inputs.checks.T).sum())


def scaled_alone(
    checkpoint: Checkpoint, spec: DecoderSpec, projection: Projection, inputs: Inputs
) -> awq.ScaledWeights:
    return awq.scaled(checkpoint, spec, {projection.name: FORM}, {projection.name: inputs})


def test_strong_inputs_lower_the_error_of_the_product(tmp_path: Path) -> None:
    checkpoint, spec = opened(tmp_path)
    down = spec.stack[0].mlp.down  # type: ignore[union-attr]  # a plain MLP
    inputs = drawn_inputs(0, down.columns, strong=4)
    weights = scaled_alone(checkpoint, spec, down, inputs)
    plain = checkpoint.rows(down.parts[0].weight, 0, down.rows)
    factors = (weights.rows(down.parts[0].weight, 0, down.rows) / plain)[0]
    assert factors[:4].min() > factors[4:].max()
    assert product_error(plain, factors, inputs) < 0.8 * product_error(plain, np.ones_like(factors), inputs)


def test_what_feeds_is_divided_by_the_factors(tmp_path: Path) -> None:
    checkpoint, spec = opened(tmp_path)
    mlp = spec.stack[0].mlp
    down, (gate, up) = mlp.down, mlp.up.parts  # type: ignore[union-attr]  # a plain MLP
    weights = scaled_alone(checkpoint, spec, down, drawn_inputs(0, down.columns, strong=4))
    ratio = {
        part.weight: weights.rows(part.weight, 0, part.rows) / checkpoint.rows(part.weight, 0, part.rows)
        for part in (*down.parts, gate, up)
    }
    assert np.allclose(ratio[up.weight], 1 / ratio[down.parts[0].weight][0][:, None], rtol=1e-4)
    assert (ratio[gate.weight] == 1).all()


def test_heads_that_share_a_value_share_its_factor(tmp_path: Path) -> None:
    checkpoint, spec = opened(tmp_path)
    output = spec.stack[1].attention.output
    weights = scaled_alone(checkpoint, spec, output, drawn_inputs(3, output.columns, strong=4))
    plain = checkpoint.rows(output.parts[0].weight, 0, 1)
    factors = (weights.rows(output.parts[0].weight, 0, 1) / plain).reshape(spec.kv_heads, -1, spec.head_size)
    assert np.allclose(factors, factors[:, :1], rtol=1e-4)
    assert factors.std() > 0.01


def test_factors_that_do_not_help_on_inputs_held_out_are_not_taken(tmp_path: Path) -> None:
    checkpoint, spec = opened(tmp_path)
    down = spec.stack[0].mlp.down  # type: ignore[union-attr]  # a plain MLP
    inputs = drawn_inputs(0, down.columns, strong=4)
    others = drawn_inputs(1, down.columns).checks.copy()
    others[:, :4] = 0  # the weights that the text calls important do not matter here
    weights = scaled_alone(checkpoint, spec, down, Inputs(inputs.moments, inputs.magnitudes, others))
    name = down.parts[0].weight
    assert (weights.rows(name, 0, down.rows) == checkpoint.rows(name, 0, down.rows)).all()
