"""`edgeslm inspect BUNDLE`: show what a bundle holds, and what was observed of it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from edgeslm.cli import output
from edgeslm_agent.contract.manifest import EncoderManifest

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from edgeslm_agent.bundle import Bundle, EncoderBundle
    from edgeslm_agent.contract.manifest import Manifest

EVIDENCE = ("quality", "measure", "selection")


def configure(parser: ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE")


def run(options: Namespace) -> int:
    """Show manifest and evidence without reading the weights."""
    from edgeslm_agent.bundle import open_any, read_evidence

    bundle = open_any(options.bundle, verify=False)
    evidence = {name: read_evidence(bundle, name) for name in EVIDENCE}
    if options.json:
        weights = {"bytes": bundle.weights_bytes, "bits_a_parameter": _bits(bundle)}
        body = {"id": bundle.bundle_id, "manifest": asdict(bundle.manifest), "weights": weights, "evidence": evidence}
        output.document("edgeslm.inspect/1", body)
    else:
        _show(bundle)
        for name, observed in evidence.items():
            output.result(f"\n{name}: {'not measured' if observed is None else ''}".rstrip())
            for key, value in (observed or {}).items():
                if not isinstance(value, (list, dict)):
                    output.result(f"  {key}: {value}")
    return 0


def _show(bundle: Bundle | EncoderBundle) -> None:
    manifest = bundle.manifest
    model = manifest.model
    output.result(f"{manifest.variant}  id {bundle.bundle_id}")
    output.result(f"model    {model.name} ({model.architecture}, {model.parameters:,} parameters) from {model.source}")
    if model.licence:
        output.result(f"licence  {model.licence}")
    output.result(_shape(manifest))
    if not isinstance(manifest, EncoderManifest):
        output.result(f"chat     {_chat(manifest)}")
    output.result(
        f"weights  {bundle.weights_bytes:,} bytes, {_bits(bundle):.2f} bits a parameter, scales and tables included"
    )
    output.result(f"needs    {manifest.runtime.name} >= {manifest.runtime.min_version}")
    output.table(("file", "bytes", "sha256"), [(f.path, str(f.bytes), f.sha256[:16]) for f in manifest.files])


def _chat(manifest: Manifest) -> str:
    """Say what the model's chat template has a place for."""
    if manifest.chat is None:
        return "none: prompts are given as they are"
    places = {"system message": manifest.chat.system, "earlier turns": manifest.chat.turns}
    extra = ", asks whether to think" if manifest.chat.thinking else ""
    return ", ".join(f"{'' if has else 'no '}{name}" for name, has in places.items()) + extra


def _shape(manifest: Manifest | EncoderManifest) -> str:
    if isinstance(manifest, EncoderManifest):
        encoder = manifest.encoder
        pooled = [encoder.pooling, *(["normalised"] if encoder.normalized else [])]
        what = (
            ", ".join(encoder.labels) if encoder.task == "classify" else f"{encoder.width} numbers, {' '.join(pooled)}"
        )
        return (
            f"encoder  {encoder.task}: {what}; {encoder.sizes.layers} layers of {encoder.sizes.hidden}, "
            f"vocabulary {encoder.vocab_size}, context {manifest.context}"
        )
    decoder = manifest.decoder
    return (
        f"decoder  {decoder.layers} layers, {decoder.kv_heads} KV heads of {decoder.head_size}, "
        f"vocabulary {decoder.vocab_size}, context {decoder.context}"
    )


def _bits(bundle: Bundle | EncoderBundle) -> float:
    """Return the bits of the weights' file for each of the model's parameters, whatever the recipe's name says."""
    return round(8 * bundle.weights_bytes / bundle.manifest.model.parameters, 4)
