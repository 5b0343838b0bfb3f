"""Reads how a decoder rotates from config.json, in both spellings found in the wild.

Older: `rope_theta` and `rope_scaling` at the top. Newer: all of it in `rope_parameters`, which may hold one object for
each kind of layer.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from edgeslm_exporters.decoder_spec import RopeScaling, Rotary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgeslm_exporters.config_reader import ConfigReader


def read_rotary(
    read: ConfigReader,
    head_size: int,
    *,
    theta: tuple[str, float] = ("rope_theta", 10_000.0),
    share: tuple[str, float] = ("partial_rotary_factor", 1.0),
    kind: str = "full_attention",
) -> Rotary:
    """Return how heads of `head_size` rotate in layers of one `kind`.

    `theta` is the base and `share` the part of a head that rotates: the older spelling's key with the family's default.
    Problems and refusals are left with `read`.
    """
    section = _section(read, kind)
    merged = {"rope_theta": read.get(theta[0]), "partial_rotary_factor": read.get(share[0])}
    merged |= {key: value for key, value in section.items() if value is not None}
    size = int(head_size * read.number_of(merged, "partial_rotary_factor", share[1]))
    if size % 2 or not 0 < size <= head_size:
        read.problem(f"partial_rotary_factor makes {size} of {head_size} values of a head rotate")
    return Rotary(read.number_of(merged, "rope_theta", theta[1]), size, _scaling(read, merged, size))


def _section(read: ConfigReader, kind: str) -> dict[str, Any]:
    """Return the settings of one kind of layer; settings that name no kind are those of full attention."""
    section = read.get("rope_parameters") or read.get("rope_scaling") or {}
    if not isinstance(section, dict):
        read.problem(f"the rope settings are {section!r}, not an object")
        return {}
    if any(isinstance(value, dict) for value in section.values()):
        return section.get(kind) or {}
    return section if kind == "full_attention" else {}


def _scaling(read: ConfigReader, section: Mapping[str, Any], size: int) -> RopeScaling | None:
    kind = section.get("rope_type") or section.get("type") or "default"
    if kind in ("default", "dynamic"):  # dynamic changes nothing up to max_positions, which no cache exceeds
        return None
    if kind == "linear":
        return RopeScaling("linear", _factor(read, section))
    if kind == "llama3":
        names = ("low_freq_factor", "high_freq_factor")
        low, high = (read.number_of(section, name, None, f"rope {name}") for name in names)
        return RopeScaling("llama3", _factor(read, section), low, high, _original(read, section))
    if kind == "yarn":
        return _yarn(read, section)
    if kind in ("longrope", "su"):  # su: what Phi-3 first called it
        return _longrope(read, section, size)
    read.refuse(f"rope scaling {kind!r}")
    return None


def _factor(read: ConfigReader, section: Mapping[str, Any]) -> float:
    return read.number_of(section, "factor", None, "rope factor")


def _original(read: ConfigReader, section: Mapping[str, Any]) -> int:
    """Return the positions of the first training, which some configs keep beside the section and some leave out."""
    key = "original_max_position_embeddings"
    if section.get(key) is not None:
        return int(read.number_of(section, key, None, f"rope {key}"))
    return read.size(key if read.get(key) is not None else "max_position_embeddings")


def _yarn(read: ConfigReader, section: Mapping[str, Any]) -> RopeScaling:
    """Source: Peng et al., "YaRN", arXiv 2309.00071, section 3.4 for the magnitude."""
    factor, original = _factor(read, section), _original(read, section)
    slow, fast = (read.number_of(section, *default) for default in (("beta_slow", 1.0), ("beta_fast", 32.0)))
    if section.get("truncate") is False or section.get("mscale") or section.get("mscale_all_dim"):
        read.refuse("rope scaling 'yarn' with mscale or without truncation")
    magnitude = read.number_of(section, "attention_factor", 0.1 * math.log(max(1.0, factor)) + 1)
    return RopeScaling("yarn", factor, slow, fast, original, magnitude)


def _longrope(read: ConfigReader, section: Mapping[str, Any], size: int) -> RopeScaling:
    """Source: Ding et al., "LongRoPE", arXiv 2402.13753, and the magnitude of Phi-3's own code."""
    original = _original(read, section)
    short, long = (read.numbers_of(section, name, size // 2) for name in ("short_factor", "long_factor"))
    factor = read.number_of(section, "factor", read.size("max_position_embeddings") / original)
    plain = math.sqrt(1 + math.log(factor) / math.log(original)) if factor > 1 and original > 1 else 1.0
    magnitude = read.number_of(section, "attention_factor", plain)
    return RopeScaling("longrope", factor, original_positions=original, magnitude=magnitude, short=short, long=long)
