"""The fp32 reference of a checkpoint: exported once, kept in the user's cache by digest and context."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from edgeslm.pack import publish, seal, staging
from edgeslm_agent.bundle import Bundle, open_bundle
from edgeslm_agent.errors import BundleError, EnvironmentProblem
from edgeslm_agent.host import available_bytes
from edgeslm_agent.units import format_bytes
from edgeslm_exporters.export import convert, work_units
from edgeslm_exporters.onnx.layout import layout
from edgeslm_exporters.recipe import parse_recipe

if TYPE_CHECKING:
    from edgeslm.progress import Progress
    from edgeslm.source import Source

KEPT_REFERENCES = 4


def cache_folder() -> Path:
    """Return the folder of cached references: `$XDG_CACHE_HOME/edgeslm/references`."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "edgeslm" / "references"


def cached_reference(digest: str, context: int) -> Bundle | None:
    """Return the cached reference of a checkpoint, or None; a damaged one is removed."""
    folder = cache_folder() / f"{digest[:32]}-{context}"
    if not folder.is_dir():
        return None
    try:
        return open_bundle(folder, verify=False)
    except BundleError:
        shutil.rmtree(folder, ignore_errors=True)
        return None


def reference_of(source: Source, context: int, progress: Progress) -> Bundle:
    """Return the fp32 reference, exporting it when it is not cached.

    Raises EnvironmentProblem when it would not fit this machine's memory, naming `--reference`.
    """
    checkpoint = source.checkpoint
    cached = cached_reference(checkpoint.digest(), context)
    if cached is not None:
        os.utime(cached.path)
        return cached
    recipe = parse_recipe("fp32")
    spec = source.spec
    needed, available = layout(spec, recipe, context), available_bytes()
    if needed.weights_bytes + needed.kv_cache_bytes > available:
        raise EnvironmentProblem(
            f"the fp32 reference needs {format_bytes(needed.weights_bytes + needed.kv_cache_bytes)} of memory, "
            f"{format_bytes(available)} are free",
            "measure quality on a larger machine (`edgeslm eval BUNDLE --reference MODEL`), or export with --gate none",
        )
    folder = cache_folder() / f"{checkpoint.digest()[:32]}-{context}"
    with staging(folder) as staged:
        with progress("exporting the fp32 reference", work_units(spec, recipe)) as advance:
            artifact = convert(checkpoint, recipe, context, staged, advance=advance)
        bundle = publish(
            seal(staged, checkpoint, source.label, artifact, f"{checkpoint.name}_fp32_onnx_{context}"),
            folder,
            force=True,
        )
    forget_oldest()
    return bundle


def forget_oldest() -> None:
    """Keep the references that were used last, and remove the others."""
    folders = sorted((f for f in cache_folder().iterdir() if f.is_dir()), key=lambda folder: folder.stat().st_mtime)
    for folder in folders[:-KEPT_REFERENCES]:
        shutil.rmtree(folder, ignore_errors=True)
