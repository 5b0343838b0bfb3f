"""An encoder's conversion on one screen: float graph -> head -> fp32 file; the fp32 file -> any other recipe.

optimum is asked once a checkpoint: the fp32 artefact is what quality is measured against, and what the int8 recipes are
rewritten from.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

import onnx

from edgeslm_agent.bundle import file_digest
from edgeslm_agent.contract.manifest import EncoderShape, FileEntry, RuntimeRequirement
from edgeslm_agent.engine.tokenizer import SentenceTokenizer
from edgeslm_exporters.encoder.balance import balance
from edgeslm_exporters.encoder.calibrated import quantise_calibrated
from edgeslm_exporters.encoder.dynamic import quantise_dynamic
from edgeslm_exporters.encoder.head import add_head
from edgeslm_exporters.encoder.observe import observe
from edgeslm_exporters.encoder.weights import drop_unused, fold_identities, pack_tables
from edgeslm_exporters.via_optimum import float_graph

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edgeslm_agent.bundle import EncoderBundle
    from edgeslm_exporters.checkpoint import Checkpoint
    from edgeslm_exporters.encoder.recipes import EncoderRecipe
    from edgeslm_exporters.encoder.spec import EncoderSpec

GRAPH = "artifacts/model.onnx"
DATA = "model.onnx.data"
INLINE_BYTES = 1024  # smaller constants stay in the graph
ONNXRUNTIME = RuntimeRequirement("onnxruntime", "1.14")  # opset 18
TOOLS = ("onnx", "optimum", "optimum-onnx", "torch", "transformers")  # what the bytes of a graph depend on


@dataclass(frozen=True)
class EncoderArtifact:
    """What a conversion wrote: `files` with hashes, what an engine must know, the longest text, the tools' versions."""

    recipe: EncoderRecipe
    files: tuple[FileEntry, ...]
    encoder: EncoderShape
    context: int
    tools: dict[str, str]
    format: str = "onnx"
    runtime: RuntimeRequirement = ONNXRUNTIME


def convert_float(checkpoint: Checkpoint, spec: EncoderSpec, context: int, out_dir: Path) -> EncoderArtifact:
    """Write the fp32 graph below `out_dir`, an empty folder of the caller's; texts are cut to `context` tokens.

    Raises MissingExtra without optimum, UnsupportedArchitecture when it cannot export the model.
    """
    model = float_graph(checkpoint.path, spec.model_type, spec.task)
    fold_identities(model.graph)
    width = add_head(model, spec, checkpoint.path)
    shape = EncoderShape(
        graph=GRAPH,
        task=spec.task,
        inputs=tuple(value.name for value in model.graph.input),
        width=width,
        vocab_size=spec.vocab,
        sizes=spec.sizes,
        pooling=spec.modules.pooling,
        normalized=spec.modules.normalized,
        labels=spec.labels,
    )
    return EncoderArtifact("fp32", _write(model, out_dir), shape, context, {name: version(name) for name in TOOLS})


def derive(reference: EncoderBundle, recipe: EncoderRecipe, texts: Sequence[str], out_dir: Path) -> EncoderArtifact:
    """Write the fp32 bundle's graph in another recipe, or as it is, below `out_dir`; `texts` calibrate int8."""
    manifest = reference.manifest
    model = onnx.load(reference.file(manifest.graph))
    if recipe != "fp32":
        _quantise(model, reference, recipe, texts, out_dir)
    tools = {name: number for name, number in manifest.tools.items() if name in TOOLS}
    return EncoderArtifact(recipe, _write(model, out_dir), manifest.encoder, manifest.context, tools)


def _quantise(
    model: onnx.ModelProto, reference: EncoderBundle, recipe: EncoderRecipe, texts: Sequence[str], scratch: Path
) -> None:
    manifest = reference.manifest
    tokenizer = SentenceTokenizer(reference.file(manifest.tokenizer), manifest.context)
    ids = (tokenizer.encode(text)[0] for text in texts)
    seen = balance(model.graph, observe(model, manifest.encoder, ids, scratch))
    if recipe == "wi8-ai8":
        quantise_calibrated(model.graph, seen)
    else:
        quantise_dynamic(model)
    pack_tables(model.graph)
    drop_unused(model.graph)


def _write(model: onnx.ModelProto, out_dir: Path) -> tuple[FileEntry, ...]:
    """Write the graph and, beside it, its weights."""
    file = out_dir / GRAPH
    file.parent.mkdir()
    onnx.save(model, file, save_as_external_data=True, location=DATA, size_threshold=INLINE_BYTES)
    data = file.with_name(DATA)
    graph = FileEntry(GRAPH, file.stat().st_size, hashlib.sha256(file.read_bytes()).hexdigest())
    if not data.is_file():
        return (graph,)
    return (graph, FileEntry(f"artifacts/{DATA}", data.stat().st_size, file_digest(data)))
