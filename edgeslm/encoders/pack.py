"""Seals an encoder's bundle: the tokenizer and the manifest join the artefact."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from edgeslm.pack import TOKENIZER, complete
from edgeslm_agent import __version__
from edgeslm_agent.bundle import EncoderBundle, file_digest
from edgeslm_agent.contract.manifest import (
    EncoderManifest,
    EncoderProbe,
    FileEntry,
    ModelSource,
)
from edgeslm_agent.engine.encoder import EncoderSession
from edgeslm_agent.engine.tokenizer import SentenceTokenizer

if TYPE_CHECKING:
    from pathlib import Path

    from edgeslm.source import Source
    from edgeslm_exporters.encoder.convert import EncoderArtifact
    from edgeslm_exporters.encoder.spec import EncoderSpec

# Tried until one of them has an output that is clearly the largest, so that no processor rounds to another.
PROBE_TEXTS = (
    "turn on the kitchen light",
    "the water is too cold today",
    "a letter came from the bank",
    "what a wonderful film",
)


def seal_encoder(
    folder: Path, source: Source, spec: EncoderSpec, artifact: EncoderArtifact, variant: str
) -> EncoderBundle:
    """Add tokenizer and manifest to a folder that holds the artefact; the probe is computed by running it."""
    checkpoint = source.checkpoint
    (folder / TOKENIZER).parent.mkdir()
    (folder / TOKENIZER).write_bytes(checkpoint.tokenizer_json)
    tokenizer = FileEntry(TOKENIZER, len(checkpoint.tokenizer_json), file_digest(folder / TOKENIZER))
    manifest = EncoderManifest(
        variant=variant,
        recipe=artifact.recipe,
        format=artifact.format,
        context=artifact.context,
        model=ModelSource(
            checkpoint.name,
            source.label,
            checkpoint.revision,
            checkpoint.digest(),
            spec.model_type,
            spec.parameters,
            checkpoint.licence,
        ),
        runtime=artifact.runtime,
        encoder=artifact.encoder,
        tokenizer=TOKENIZER,
        probe=EncoderProbe((), 0),
        files=(*artifact.files, tokenizer),
        tools={"edgeslm": __version__, **artifact.tools},
    )
    manifest = replace(manifest, probe=_probe(EncoderBundle(folder, manifest, "")))
    complete(folder, manifest.to_bytes())
    return EncoderBundle(folder, manifest, manifest.bundle_id)


def _probe(bundle: EncoderBundle) -> EncoderProbe:
    """Return the text whose largest output is farthest ahead of the next, and which output that is."""
    manifest = bundle.manifest
    tokenizer = SentenceTokenizer(bundle.file(manifest.tokenizer), manifest.context)
    with EncoderSession.open(bundle, check_probe=False) as session:
        found = []
        for text in PROBE_TEXTS:
            ids = tokenizer.encode(text)[0]
            output = session.run(ids)
            second, first = np.partition(output, -2)[-2:]
            lead = float((first - second) / max(np.abs(output).max(), 1e-9))
            found.append((lead, EncoderProbe(tuple(ids), int(output.argmax()))))
    return max(found, key=lambda entry: entry[0])[1]
