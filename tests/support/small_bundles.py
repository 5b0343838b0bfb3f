"""Real bundles of a tiny random checkpoint, written in well under a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm import pack
from edgeslm.profiler.candidate import variant_name
from edgeslm_exporters.checkpoint import open_checkpoint
from edgeslm_exporters.export import convert
from edgeslm_exporters.recipe import parse_recipe
from support.checkpoints import build_checkpoint, case_named

if TYPE_CHECKING:
    from pathlib import Path

    from edgeslm_agent.bundle import Bundle

CONTEXT = 64


def write_bundle(out: Path, recipe: str, case: str = "llama-tied-f32") -> Bundle:
    """Export the checkpoint of a reference case to `out`; the checkpoint lies beside it."""
    folder = out.parent / f"checkpoint-{case}"
    if not folder.exists():
        folder.mkdir(parents=True)
        build_checkpoint(case_named(case), folder)
    checkpoint = open_checkpoint(folder)
    variant = variant_name(checkpoint.name, recipe, "onnx", CONTEXT)
    with pack.staging(out) as staged:
        artifact = convert(checkpoint, parse_recipe(recipe), CONTEXT, staged)
        return pack.publish(pack.seal(staged, checkpoint, "folder:tiny", artifact, variant), out, force=False)
