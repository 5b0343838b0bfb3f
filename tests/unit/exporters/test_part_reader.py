from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgeslm_exporters import part_reader
from edgeslm_exporters.decoder_spec import Norm, Part
from edgeslm_exporters.part_reader import norm_tensors, part_bias, part_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest
    from numpy.typing import NDArray


@dataclass(frozen=True)
class InMemory:
    """Weights that lie in a dictionary."""

    tensors: Mapping[str, NDArray[np.float32]]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: values.shape for name, values in self.tensors.items()}

    def rows(self, name: str, start: int, stop: int) -> NDArray[np.float32]:
        return np.atleast_2d(self.tensors[name])[start:stop]


def drawn(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


@given(st.data())
def test_rows_of_a_part_are_those_of_its_tensor_from_its_start(data: st.DataObject) -> None:
    total = data.draw(st.integers(1, 30))
    first = data.draw(st.integers(0, total - 1))
    rows = data.draw(st.integers(1, total - first))
    start = data.draw(st.integers(0, rows - 1))
    stop = data.draw(st.integers(start + 1, rows))
    values = drawn(total, 5)
    plain = Part("weight", rows, start=first, total=total)
    turned = Part("weight", rows, start=first, total=total, transposed=True)
    expected = values[first : first + rows][start:stop]
    assert (part_rows(InMemory({"weight": values}), plain, start, stop) == expected).all()
    found = part_rows(InMemory({"weight": np.ascontiguousarray(values.T)}), turned, start, stop)
    assert (found == expected).all()
    assert found.flags.c_contiguous


def test_a_turned_tensor_is_read_in_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_reader, "STRIP", 20)
    values = drawn(17, 6)
    found = part_rows(InMemory({"weight": values}), Part("weight", 6, transposed=True), 2, 5)
    assert (found == values.T[2:5]).all()


def test_a_packed_bias_is_cut_like_its_weight() -> None:
    bias = drawn(12)
    part = Part("weight", 4, "bias", start=4, total=12)
    assert (part_bias(InMemory({"bias": bias}), part) == bias[None, 4:8]).all()


def test_an_offset_is_added_to_the_factors_of_a_norm_and_not_to_its_bias() -> None:
    weights = InMemory({"norm.weight": drawn(8), "norm.bias": drawn(8)})
    norm = Norm("final_norm", "norm.weight", 8, 1e-5, "layer", "norm.bias", offset=1.0)
    found = dict(norm_tensors(weights, norm))
    assert (found["final_norm.weight"] == drawn(8) + np.float32(1)).all()
    assert (found["final_norm.bias"] == drawn(8)).all()
