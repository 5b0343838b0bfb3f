"""An encoder's conversion to integers on one screen: parts -> divisors -> ranges -> model.tflite."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING

from edgeslm_agent.contract.manifest import FileEntry, RuntimeRequirement
from edgeslm_agent.engine.tokenizer import SentenceTokenizer
from edgeslm_exporters.encoder.convert import EncoderArtifact
from edgeslm_exporters.encoder.integer.divisors import divisors
from edgeslm_exporters.encoder.integer.file import integer_file
from edgeslm_exporters.encoder.integer.flow import IDS, MASK, IntegerEncoder
from edgeslm_exporters.encoder.integer.parts import read_parts
from edgeslm_exporters.encoder.integer.ranges import observe
from edgeslm_exporters.tflite.layout import MIN_LITERT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edgeslm_agent.bundle import EncoderBundle
    from edgeslm_exporters.checkpoint import Checkpoint
    from edgeslm_exporters.encoder.recipes import EncoderRecipe
    from edgeslm_exporters.encoder.spec import EncoderSpec

GRAPH = "artifacts/model.tflite"
MOST_TEXTS = 100  # ranges of 200 sentences were those of 100, and each takes 0.1 s twice


def convert_integer(
    checkpoint: Checkpoint,
    spec: EncoderSpec,
    reference: EncoderBundle,
    recipe: EncoderRecipe,
    *,
    texts: Sequence[str],
    out_dir: Path,
) -> EncoderArtifact:
    """Write the encoder in integers below `out_dir`, for texts of the reference's context; `texts` calibrate.

    The weights come from the checkpoint, all of them in memory; the fp32 reference has the tokenizer.
    Raises UnsupportedArchitecture and UnsupportedOperator for what has no form in integers, BadCheckpoint for tensors
    that are missing.
    """
    manifest = reference.manifest
    parts = read_parts(checkpoint, spec, manifest.context)
    plain = IntegerEncoder(parts, spec, {})  # refuses before anything is computed
    tokenizer = SentenceTokenizer(reference.file(manifest.tokenizer), manifest.context)
    ids = [tokenizer.encode(text)[0] for text in texts[:MOST_TEXTS]]
    encoder = IntegerEncoder(parts, spec, divisors(plain, ids))
    data = integer_file(encoder.graph(manifest.context), observe(encoder, ids), per_channel=recipe == "wi8-ai8")
    _write(out_dir / GRAPH, data)
    return EncoderArtifact(
        recipe,
        (FileEntry(GRAPH, len(data), hashlib.sha256(data).hexdigest()),),
        replace(manifest.encoder, graph=GRAPH, inputs=(IDS, MASK)),
        manifest.context,
        {"numpy": version("numpy")},
        "tflite",
        RuntimeRequirement("ai-edge-litert", MIN_LITERT),
    )


def _write(file: Path, data: bytes) -> None:
    """Write into the caller's temporary folder, down to the disk."""
    file.parent.mkdir()
    with file.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
