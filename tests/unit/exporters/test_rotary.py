from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgeslm_exporters.architectures import describe
from edgeslm_exporters.decoder_spec import RopeScaling
from edgeslm_exporters.rotary import rotary_tables
from support.checkpoints import random_weights
from support.tiny import tiny_case

if TYPE_CHECKING:
    from edgeslm_exporters.decoder_spec import DecoderSpec


@pytest.fixture
def spec() -> DecoderSpec:
    case = tiny_case()
    return describe(case.config, {name: values.shape for name, values in random_weights(case).items()})


def test_tables_hold_half_a_head_for_every_position(spec: DecoderSpec) -> None:
    cosine, sine = rotary_tables(spec, 10)
    assert cosine.shape == sine.shape == (10, 8)
    assert cosine.dtype == sine.dtype == np.float32
    assert (cosine[0] == 1).all()
    assert np.allclose(cosine**2 + sine**2, 1)


def test_the_first_pair_turns_by_one_a_position(spec: DecoderSpec) -> None:
    assert np.allclose(rotary_tables(spec, 10)[1][:, 0], np.sin(np.arange(10)))


def test_linear_scaling_stretches_every_angle(spec: DecoderSpec) -> None:
    stretched = replace(spec, rope_scaling=RopeScaling("linear", 2.0))
    assert np.allclose(rotary_tables(stretched, 20)[1][::2], rotary_tables(spec, 10)[1], atol=1e-5)


def test_llama3_scaling_keeps_fast_pairs_and_slows_the_slowest(spec: DecoderSpec) -> None:
    scaled = replace(spec, rope_scaling=RopeScaling("llama3", 8.0, 1.0, 4.0, 64))
    plain, found = rotary_tables(spec, 100)[1], rotary_tables(scaled, 100)[1]
    assert (found[:, 0] == plain[:, 0]).all()
    assert np.allclose(found[8::8, -1], plain[1:13, -1], atol=1e-5)
