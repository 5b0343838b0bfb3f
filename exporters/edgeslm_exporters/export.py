"""The conversion on one screen: checkpoint -> spec -> layout -> data file and graph."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from edgeslm_agent.contract.manifest import FileEntry
from edgeslm_agent.errors import BadCheckpoint, EnvironmentProblem, UnsupportedOperator
from edgeslm_exporters.architectures import describe
from edgeslm_exporters.formats import layout, unwritten
from edgeslm_exporters.onnx.layout import GRAPH_NAME
from edgeslm_exporters.onnx.layout import Layout as OnnxLayout
from edgeslm_exporters.quantize.rotation import rotated_spec
from edgeslm_exporters.tflite.layout import Layout as TfliteLayout

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edgeslm_agent.contract.manifest import DecoderShape
    from edgeslm_exporters.algorithms import Workbench
    from edgeslm_exporters.checkpoint import Checkpoint
    from edgeslm_exporters.decoder_spec import DecoderSpec
    from edgeslm_exporters.matrices import AnyLayout
    from edgeslm_exporters.recipe import Recipe
    from edgeslm_exporters.row_stream import Quantize
    from edgeslm_exporters.weights import Weights

GRAPH_ALLOWANCE = 8 * 2**20  # the graph itself and what else a bundle holds
THREADS = 4


@dataclass(frozen=True)
class Artifact:
    """What a conversion wrote: `files` with hashes, and what an engine must know; `seconds` is wall time."""

    files: tuple[FileEntry, ...]
    decoder: DecoderShape
    seconds: float
    layout: AnyLayout
    spec: DecoderSpec
    recipe: Recipe

    @property
    def graphs(self) -> tuple[str, ...]:
        """Paths of the graphs among the files."""
        return tuple(entry.path for entry in self.files if entry.path.endswith((".onnx", ".tflite")))


def work_units(spec: DecoderSpec, recipe: Recipe) -> int:
    """Return how many units a conversion reports to `advance` in total.

    A unit is a weight of a matrix written. To calibrate as many are first written in fp32, which counts as much again.
    """
    decoder = rotated_spec(spec) if recipe.rotates else spec
    tables = (decoder.embedding,) if decoder.tied else (decoder.embedding, decoder.head)
    weights: int = sum(projection.rows * projection.columns for projection in (*tables, *decoder.projections()))
    return (1 + 2 * recipe.calibrations) * weights


def convert(
    checkpoint: Checkpoint,
    recipe: Recipe,
    context: int,
    out_dir: Path,
    *,
    form: str = "onnx",
    calibration: Sequence[Sequence[int]] = (),
    genai: bool = False,
    advance: Callable[[int], None] | None = None,
) -> Artifact:
    """Write artifacts/model.onnx and artifacts/model.onnx.data below `out_dir`, an empty folder of the caller's.

    In the format "tflite" artifacts/model.tflite instead. With `genai` also artifacts/genai.onnx, on the same data
    file, and the genai_config.json that names it.
    `calibration` are texts of token ids for a recipe that takes them; what it learns lies in `out_dir` meanwhile.
    Raises UnsupportedArchitecture, UnsupportedOperator or BadCheckpoint for what cannot be converted,
    EnvironmentProblem when the disk is too small. What is half written then is the caller's to remove, with the folder.
    """
    from edgeslm_exporters.algorithms import Workbench, prepare

    began = time.perf_counter()
    spec = describe(checkpoint.config, checkpoint.shapes)
    _check_tokenizer(checkpoint, spec)
    _check_written(form, spec, recipe)
    places = layout(form, spec, recipe, context)
    folder = out_dir / "artifacts"
    _check_space(out_dir, places.weights_bytes + GRAPH_ALLOWANCE)
    folder.mkdir()
    try:
        with TemporaryDirectory(prefix="calibration-", dir=out_dir) as workspace:
            bench = Workbench(calibration, Path(workspace), _threads(), advance or (lambda _by: None))
            weights, quantize = prepare(recipe.algorithm, checkpoint, spec, places, bench)
            files = _write(checkpoint, weights, places, quantize, bench, folder=folder, genai=genai)
    except OSError as error:
        raise _disk_problem(error, out_dir) from error
    decoder = places.decoder_shape(files[0].path)
    return Artifact(files, decoder, time.perf_counter() - began, places, spec, recipe)


def _write(
    checkpoint: Checkpoint,
    weights: Weights,
    places: AnyLayout,
    quantize: Quantize,
    bench: Workbench,
    *,
    folder: Path,
    genai: bool,
) -> tuple[FileEntry, ...]:
    """Write the files of a layout, the graph first."""
    if isinstance(places, TfliteLayout):
        from edgeslm_exporters.tflite.writer import write_file

        config, threads, advance = checkpoint.config, bench.threads, bench.advance
        return (write_file(weights, places, config, folder, threads=threads, advance=advance, quantize=quantize),)
    from edgeslm_exporters.cache_scales import cache_scales
    from edgeslm_exporters.onnx.graph import decoder_graph
    from edgeslm_exporters.onnx.schema import encode
    from edgeslm_exporters.onnx.writer import write_data

    assert isinstance(places, OnnxLayout)
    graph = encode(decoder_graph(places, config=checkpoint.config))
    (folder / GRAPH_NAME).write_bytes(graph)
    scales = cache_scales(weights, places, bench)
    data = write_data(weights, places, folder, bench.threads, bench.advance, quantize=quantize, kv_scales=scales)
    entry = FileEntry(f"artifacts/{GRAPH_NAME}", len(graph), hashlib.sha256(graph).hexdigest())
    if not genai:
        return entry, data
    from edgeslm_exporters.onnx.genai import write_genai

    return (entry, data, *write_genai(checkpoint, places, folder))


def _check_written(form: str, spec: DecoderSpec, recipe: Recipe) -> None:
    if reasons := unwritten(form, spec, recipe):
        raise UnsupportedOperator(
            f"{recipe.name} is not written as {form}: {'; '.join(reasons)}", "take another --recipe or --format"
        )


def _threads() -> int:
    return min(THREADS, len(os.sched_getaffinity(0)))


def _check_tokenizer(checkpoint: Checkpoint, spec: DecoderSpec) -> None:
    size = checkpoint.tokenizer.size
    if size > spec.vocab:
        raise BadCheckpoint(
            f"the tokenizer has {size} tokens, the model a vocabulary of {spec.vocab}: some ids have no embedding",
            "take tokenizer.json from the place the weights came from",
        )


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise EnvironmentProblem(
            f"the artefact needs {needed / 1e6:.0f} MB, {folder} has {free / 1e6:.0f} MB free",
            "free some space, or choose another folder with -o",
        )


def _disk_problem(error: OSError, folder: Path) -> EnvironmentProblem:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    what = "the disk is full" if full else f"cannot write ({error.strerror})"
    return EnvironmentProblem(f"{what}: {folder}", "free some space, or choose another folder with -o")
