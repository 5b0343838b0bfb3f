"""Checkpoints that came quantised, one file per method, and adapters: each read as weights by Hugging Face names."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, cast

from edgeslm_agent.errors import BadCheckpoint, UnsupportedOperator
from edgeslm_exporters.sources.decoded import Decoded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgeslm_exporters.weight_files import WeightFiles

# `quant_method` of config.json -> the module here that decodes it.
METHODS = {
    "gptq": "gptq",
    "awq": "awq",
    "compressed-tensors": "compressed_tensors",
    "fp8": "float8",
    "fbgemm_fp8": "float8",
}


def decoded(config: Mapping[str, Any], files: WeightFiles) -> Decoded:
    """Return the weights of a checkpoint, decoded as its config.json says; headers are read, weights are not.

    Raises UnsupportedOperator for a method or a packing without decoder, BadCheckpoint for tensors that disagree.
    """
    settings = config.get("quantization_config")
    if settings is None:
        return _unannounced(files)
    method = settings.get("quant_method") if isinstance(settings, dict) else None
    if method not in METHODS:
        raise UnsupportedOperator(
            f"config.json: nobody wrote a decoder for weights quantised by {method!r} (known: {', '.join(METHODS)})",
            "take the unquantised checkpoint, or one quantised by a known method",
        )
    module = importlib.import_module(f"{__name__}.{METHODS[method]}")
    return cast("Decoded", module.decode(settings, files))


def _unannounced(files: WeightFiles) -> Decoded:
    """Take the tensors as they are; float8 tensors may have scales without a word in config.json."""
    if packed := next((name for name in files.headers if name.endswith((".qweight", ".weight_packed"))), None):
        raise BadCheckpoint(
            f"{packed} holds codes, but config.json has no quantization_config",
            "take config.json from the place the weights came from",
        )
    if any(header.dtype.startswith("F8") for header in files.headers.values()):
        from edgeslm_exporters.sources import float8

        return float8.decode({}, files)
    return Decoded(files)
