"""The fp32 artefact of an encoder: traced once, kept in the cache of references, the source of every other recipe."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from edgeslm.encoders.pack import seal_encoder
from edgeslm.pack import publish, staging
from edgeslm.reference import cache_folder, forget_oldest
from edgeslm_agent.bundle import EncoderBundle, open_any
from edgeslm_agent.errors import BundleError
from edgeslm_exporters.encoder.convert import convert_float

if TYPE_CHECKING:
    from edgeslm.progress import Progress
    from edgeslm.source import Source
    from edgeslm_exporters.encoder.spec import EncoderSpec


def encoder_reference(source: Source, spec: EncoderSpec, context: int, progress: Progress) -> EncoderBundle:
    """Return the fp32 bundle of a checkpoint, tracing it when it is not cached.

    Raises MissingExtra without optimum, UnsupportedArchitecture when it cannot export the model.
    """
    checkpoint = source.checkpoint
    cached = cached_encoder(checkpoint.digest(), context)
    if cached is not None:
        os.utime(cached.path)
        return cached
    folder = cache_folder() / f"{checkpoint.digest()[:32]}-{context}"
    with staging(folder) as staged, progress("tracing the model through optimum", 1) as advance:
        artifact = convert_float(checkpoint, spec, context, staged)
        sealed = seal_encoder(staged, source, spec, artifact, f"{checkpoint.name}_fp32_onnx_{context}")
        bundle = publish(sealed, folder, force=True)
        advance(1)
    forget_oldest()
    return bundle


def cached_encoder(digest: str, context: int) -> EncoderBundle | None:
    """Return the cached fp32 bundle of a checkpoint, or None; a damaged one is removed."""
    folder = cache_folder() / f"{digest[:32]}-{context}"
    if not folder.is_dir():
        return None
    try:
        found = open_any(folder, verify=False)
    except BundleError:
        shutil.rmtree(folder, ignore_errors=True)
        return None
    return found if isinstance(found, EncoderBundle) else None
