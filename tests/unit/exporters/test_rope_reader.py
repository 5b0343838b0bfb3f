from __future__ import annotations

import math
from typing import Any

import pytest

from edgeslm_agent.errors import BadCheckpoint, UnsupportedOperator
from edgeslm_exporters.config_reader import ConfigReader
from edgeslm_exporters.decoder_spec import RopeScaling, Rotary
from edgeslm_exporters.rope_reader import read_rotary

HEAD = 32
POSITIONS = {"max_position_embeddings": 4096}
LLAMA3 = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64}
LONGROPE = {"short_factor": [1.0] * 16, "long_factor": [2.0] * 16}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 1024}


def rotary(config: dict[str, Any], **how: Any) -> Rotary:  # noqa: ANN401  # the arguments of read_rotary
    """Read and raise what was found, as an architecture does."""
    read = ConfigReader({**POSITIONS, **config})
    found = read_rotary(read, HEAD, **how)
    read.finish()
    return found


@pytest.mark.parametrize(
    "config",
    [
        {"rope_theta": 5e5, "rope_scaling": {"rope_type": "llama3", **LLAMA3}},
        {"rope_theta": 5e5, "rope_scaling": {"type": "llama3", **LLAMA3}},
        {"rope_parameters": {"rope_theta": 5e5, "rope_type": "llama3", **LLAMA3}},
    ],
)
def test_every_spelling_means_the_same(config: dict[str, Any]) -> None:
    assert rotary(config) == Rotary(5e5, HEAD, RopeScaling("llama3", 8.0, 1.0, 4.0, 64))


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"rope_scaling": None},
        {"rope_parameters": {"rope_type": "default"}},
        {"rope_scaling": {"type": "dynamic", "factor": 2.0}},  # nothing up to the positions the model was made for
    ],
)
def test_what_stretches_nothing_is_plain(config: dict[str, Any]) -> None:
    assert rotary(config) == Rotary(10_000.0, HEAD)


@pytest.mark.parametrize(
    ("config", "how", "theta", "size"),
    [
        ({"partial_rotary_factor": 0.25}, {}, 1e4, 8),
        ({"rope_parameters": {"partial_rotary_factor": 0.5}}, {}, 1e4, 16),
        ({}, {"share": ("partial_rotary_factor", 0.5)}, 1e4, 16),
        ({"rotary_pct": 0.25, "rotary_emb_base": 500.0}, {"share": ("rotary_pct", 1.0)}, 1e4, 8),
        ({"rotary_emb_base": 500.0}, {"theta": ("rotary_emb_base", 1e4)}, 500.0, 32),
        ({}, {"theta": ("rope_theta", 2e6)}, 2e6, 32),
    ],
)
def test_base_and_share_come_under_a_familys_own_keys_and_defaults(
    config: dict[str, Any], how: dict[str, Any], theta: float, size: int
) -> None:
    assert rotary(config, **how) == Rotary(theta, size)


def test_settings_by_kind_of_layer_are_kept_apart() -> None:
    kinds = {"full_attention": {"rope_theta": 1e6, "rope_type": "linear", "factor": 8.0}, "sliding_attention": {}}
    scaled, local = Rotary(1e6, HEAD, RopeScaling("linear", 8.0)), Rotary(1e4, HEAD)
    assert rotary({"rope_parameters": kinds}) == scaled
    assert rotary({"rope_parameters": kinds}, kind="sliding_attention") == local
    older = {"rope_theta": 1e6, "rope_scaling": {"rope_type": "linear", "factor": 8.0}}
    assert rotary(older) == scaled
    assert rotary(older, kind="sliding_attention", theta=("rope_local_base_freq", 1e4)) == local


def test_yarn_raises_the_magnitude_by_the_logarithm_of_its_factor() -> None:
    scaling = rotary({"rope_scaling": YARN}).scaling
    assert scaling == RopeScaling("yarn", 4.0, 1.0, 32.0, 1024, magnitude=0.1 * math.log(4) + 1)


@pytest.mark.parametrize("name", ["longrope", "su"])
def test_longrope_takes_its_stretch_from_both_lengths(name: str) -> None:
    config = {"original_max_position_embeddings": 1024, "rope_scaling": {"type": name, **LONGROPE}}
    scaling = rotary(config).scaling
    assert scaling is not None
    assert (scaling.factor, scaling.original_positions) == (4.0, 1024)
    assert scaling.magnitude == math.sqrt(1 + math.log(4) / math.log(1024))
    assert (scaling.short, scaling.long) == ((1.0,) * 16, (2.0,) * 16)


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"rope_scaling": {"type": "linear"}}, "rope factor is missing"),
        ({"rope_scaling": {"type": "longrope", **LONGROPE, "long_factor": [1.0]}}, "long_factor is not a list of 16"),
        ({"rope_scaling": {"type": "longrope"}}, "short_factor is missing"),
        ({"rope_scaling": "llama3"}, "the rope settings are 'llama3', not an object"),
        ({"partial_rotary_factor": 1.5}, "makes 48 of 32 values"),
        ({"partial_rotary_factor": 0.1}, "makes 3 of 32 values"),
    ],
)
def test_wrong_settings_are_a_bad_checkpoint(config: dict[str, Any], told: str) -> None:
    with pytest.raises(BadCheckpoint, match=told):
        rotary(config)


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"rope_type": "axial"}, "rope scaling 'axial'"),
        ({**YARN, "truncate": False}, "without truncation"),
        ({**YARN, "mscale": 1.0}, "with mscale"),
    ],
)
def test_a_stretch_nobody_wrote_is_refused_by_name(config: dict[str, Any], named: str) -> None:
    with pytest.raises(UnsupportedOperator, match=named):
        rotary({"rope_scaling": config})
