"""What a machine that was probed will take for a pass: each row of its record becomes a measurement of `speed.py`.

Constants deviate by what decides which kernel runs and where its bytes come from: the form, one token or many, the
number of threads, weights inside the last cache or beyond it. So a pass like one that was timed is predicted from
that, and another (a form or a number of threads nobody timed) from the nearest, with a wider range.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from edgeslm.profiler.calibration import Calibration, Case, Measurement, Prediction, calibrate
from edgeslm.profiler.passes import Pass, litert_room, logits_of
from edgeslm.profiler.probe.graphs import CONTEXT, GRAPHS
from edgeslm.profiler.probe.record import read_record
from edgeslm.profiler.speed import Constants, Work
from edgeslm.profiler.speed_priors import Priors
from edgeslm_agent.errors import ConfigError
from edgeslm_exporters.formats import layout
from edgeslm_exporters.quantized_rows import Blocks
from edgeslm_exporters.recipe import parse_recipe

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edgeslm.profiler.probe.record import Record, Row
    from edgeslm_exporters.matrices import AnyLayout, Matrix

# Where nothing was timed: a small processor of these years. Rows move these by orders of magnitude without effort.
TYPICAL = Constants(
    bandwidth=1e10, thread_bandwidth=1e10, thread_rate=1e10, layer_s=3e-5, attention_rate=1e10, call_s=3e-5
)
# A block's scale takes as long as so many weights: between what prompts of two models in blocks of 32 to 128 took on
# two servers, one with a dot product of int8 (14 in onnxruntime, 5.5 in LiteRT), one without (about 5 and 10).
SCALE_COST = {"onnx": 9.0, "tflite": 7.5}
SHORT = 64  # weights of the longest block that MatMulNBits takes as long for as for one of 32, by its bytes
FEW, MANY = 16, 96  # tokens at once up to which, and from which on, kernels work as for a few or for many
USUAL_CACHE = 2 << 20
# Of the last cache that weights stay in: values, tables and what else runs take the rest. Models of 12 to 22 MB read as
# if from memory on two servers that share a cache of 32 MB with others.
CACHE_SHARE = 0.4
# onnxruntime widens a quantised KV cache again for every chunk of a prompt: so many times the attention of a cache in
# floats, seen with models of 12 and 30 layers. A step on one token costs no more.
QUANTISED_ATTENTION = 3.8
# Standard deviations of the constants' logarithms, in the order of Constants: bandwidth, thread_bandwidth, thread_rate,
# layer_s, share, attention_rate, call_s, scale_cost. Chosen, not fitted. Forms of as many bits share a kernel and
# differ by what the physics counts (bytes, scales): as wide as rows are noisy, widths would let noise choose.
WIDTHS = {
    "all": (1.0, 1.0, 1.2, 1.0, 0, 1.2, 1.0, 0),
    "runtime": (0, 0, 0, 0, 0, 0, 0, 0.5),
    "runtime+kernel": (0.5, 0.5, 0.7, 0.8, 0, 0.8, 0.8, 0.3),
    "runtime+kernel+threads": (0.15, 0, 0.2, 0.4, 0, 0.3, 0.4, 0),
    "bits+kernel": (0.3, 0.3, 0.5, 0, 0, 0, 0, 0),
    "form+kernel": (0.03, 0.03, 0.03, 0.02, 0, 0, 0, 0),
    "form+kernel+place": (0.1, 0.1, 0.02, 0, 0, 0, 0, 0),
    "model+form+kernel": (0, 0, 0, 0, 0.05, 0, 0, 0),
    "model+form+kernel+threads": (0, 0, 0, 0, 0.03, 0, 0, 0),
}
# Ranges are as wide as sessions of bench/probe.py on two machines needed. A probe that fitted its own rows worse than
# expected (by up to 1.7 times) was no further off for what it had not timed: nothing is stretched.
PRIORS = Priors(WIDTHS, noise=0.03, widening=3.0, stretched_by=())
IN_USE = 1.1  # of the faster round: a pass in use is not repeated, and others work too (nine sessions, two machines)
# LiteRT multiplies a head in pieces: the logits of many rows are written, read and written as one, beyond the caches.
LOGITS_MOVED = 6  # times, by prompts of a model of 151,936 words
# Attention reads and packs what is held, however few rows ask: as much work as that of so many rows for each head of
# the cache. From steps of models with one to eight such heads: LiteRT packs keys and values again in every pass.
HELD_ROWS = {"onnx": 1.0, "tflite": 8.0}
ENGINE_STEP_S = 5e-5  # of a decoding step beside the runtime: choosing the token, turning it into text
HERE = "here"
WITH_RUNTIME_CHANGED = 1.5  # what a range is widened by when another version of the runtime is installed


@lru_cache(maxsize=4)
def record_at(path: Path) -> Record:
    """Return the record of a profile; raises ConfigError for one that is damaged or was removed meanwhile."""
    record = read_record(path)
    if record is None:
        raise ConfigError(f"the probe {path} is gone", "run the command again")
    return record


def told(path: Path) -> str:
    """Return what speeds rest on, in a sentence; a runtime that changed since is a downgrade and said."""
    record = record_at(path)
    versions = ", ".join(f"{package} {found}" for package, found in record.versions)
    probes = "a probe" if record.probes == 1 else f"{record.probes} probes, the last"
    said = f"speeds rest on {probes} of {record.taken[:10]} on {record.on} with {versions}"
    changed = changed_runtimes(record) if record.device == HERE else ()
    return f"{said}; their ranges are wider, for installed is {', '.join(changed)}: probe again" if changed else said


def changed_runtimes(record: Record) -> tuple[str, ...]:
    """Return what is installed in another version than the record was taken with, as `onnxruntime 1.31.1, not 1.30`."""
    from importlib.metadata import PackageNotFoundError, version  # takes 20 ms, and few ask

    found = []
    for package, then in record.versions:
        with suppress(PackageNotFoundError):
            if (now := version(package)) != then:
                found.append(f"{package} {now}, not {then}")
    return tuple(found)


@lru_cache(maxsize=4)
def reach(record: Record) -> Calibration:
    """Fit the constants of a machine to its record."""
    return calibrate([_measurement(row, record.cache_bytes) for row in record.rows], PRIORS)


def case(places: AnyLayout, one: Pass, threads: int, cache_bytes: int, model: str) -> Case:
    """Return one pass through a variant as the calibration knows it."""
    work = _work(places, one, threads)
    whole = work if one.layers else _work(places, replace(one, layers=True), threads)
    kernel = "one" if one.rows == 1 else "few" if one.rows <= FEW else "some" if one.rows < MANY else "many"
    bits, form = _kernel(places)
    traits = {
        "all": "all",
        "runtime": places.format,
        "kernel": kernel,
        "threads": str(threads),
        "bits": f"{places.format} {bits}",
        "form": f"{places.format} {form}",
        "place": "cache" if whole.read_bytes < CACHE_SHARE * (cache_bytes or USUAL_CACHE) else "memory",
        "model": model,
    }
    return Case(work, replace(TYPICAL, scale_cost=SCALE_COST[places.format]), traits)


def time_of(record: Record, places: AnyLayout, passes: Sequence[Pass], threads: int, model: str) -> Prediction:
    """Return the seconds of some passes of one variant on the machine of a record, with a 90 % range.

    Passes of one variant are off together, so the ends of their ranges add up.
    """
    cases = [case(places, one, threads, record.cache_bytes, model) for one in passes]
    found = reach(record).predict_all(cases)
    ends = ((one.seconds, one.low, one.high) for one in found)
    totals = [sum(one.times * end for one, end in zip(passes, side, strict=True)) for side in zip(*ends, strict=True)]
    beside = sum(one.beside + ENGINE_STEP_S * one.times * (one.rows == 1 and one.layers) for one in passes)
    value, low, high = (IN_USE * total + beside for total in totals)
    wider = WITH_RUNTIME_CHANGED if record.device == HERE and changed_runtimes(record) else 1.0
    return Prediction(value, low / wider, high * wider)


def _measurement(row: Row, cache_bytes: int) -> Measurement:
    graph = replace(GRAPHS[row.graph], layers=row.layers)
    places = layout(row.format, graph.spec(), parse_recipe(row.recipe), CONTEXT)
    wanted = case(places, timed_pass(row, places), row.threads, cache_bytes, f"probe {row.graph}")
    return Measurement(wanted, row.seconds, row.rows, row.spread / 2)


def timed_pass(row: Row, places: AnyLayout) -> Pass:
    """Return what a row of a record has timed: a chunk is the beginning of a prompt that is one token longer."""
    chunk = row.rows if row.rows > 1 else 0
    room = litert_room(places, row.past + chunk, row.past + chunk + (chunk > 0))
    return Pass(row.rows, row.past, logits=logits_of(places, row.rows), room=room)


def _work(places: AnyLayout, one: Pass, threads: int) -> Work:
    """Return what a pass moves and computes; LiteRT reads all that its caches have room for."""
    spec, held = places.spec, one.past + one.rows
    *layers, head = places.products
    if not one.layers:
        return Work(
            _packed(head), one.logits * _multiplied(head), 0, threads, scales=one.logits * _scales(head, places.format)
        )
    packed = sum(matrix.projection.share * _packed(matrix) for matrix in layers)
    weights = sum(m.projection.share * _multiplied(m) for m in layers)
    scales = sum(m.projection.share * _scales(m, places.format) for m in layers)
    cached = places.cache_bytes(places.context) / places.context
    room = one.room if places.format == "tflite" else held
    seen = room if places.format == "tflite" else one.past + (one.rows + 1) / 2
    widening = QUANTISED_ATTENTION if places.kv_bits < 32 and one.rows > 1 else 1
    attending = one.rows * spec.query_size + HELD_ROWS[places.format] * spec.kv_size
    logits = LOGITS_MOVED * 4 * spec.vocab * one.logits if places.format == "tflite" and one.rows > 1 else 0
    return Work(
        read_bytes=packed + (one.logits > 0) * _packed(head) + cached * room + logits,
        multiply_adds=one.rows * weights + one.logits * _multiplied(head),
        layers=spec.layers,
        threads=threads,
        attended=2 * seen * spec.layers * attending * widening,
        scales=one.rows * scales + one.logits * _scales(head, places.format),
    )


def _packed(matrix: Matrix) -> float:
    return matrix.loaded_bytes + 4 * matrix.blocks * matrix.projection.rows


def _multiplied(matrix: Matrix) -> float:
    """Return the multiply-adds of a product with one row: of whole blocks."""
    return matrix.projection.rows * (matrix.blocks * matrix.block or matrix.projection.columns)


def _scales(matrix: Matrix, form: str) -> float:
    """Return the scales that a product with one row takes beside its weights."""
    return 0 if _by_row(matrix, form) else matrix.blocks * matrix.projection.rows


def _by_row(matrix: Matrix, form: str) -> bool:
    """Return whether the kernel has one scale a row; MatMulNBits repeats it for every block."""
    return isinstance(matrix.storage, Blocks) and matrix.storage.per_row and form == "tflite"


def _main(places: AnyLayout) -> Matrix:
    """Return the matrix whose form most weights have: one of the widest products."""
    return max(places.products[:-1], key=lambda matrix: matrix.projection.rows * matrix.projection.columns)


def _kernel(places: AnyLayout) -> tuple[int, str]:
    """Return bits and form of the weights that most products multiply; fp16 is widened when it is loaded."""
    matrix = _main(places)
    storage = matrix.storage
    if not isinstance(storage, Blocks):
        return 32, "fp32"
    blocks = "" if places.format == "tflite" else " in short blocks" if storage.block <= SHORT else " in long blocks"
    return storage.bits, f"i{storage.bits}{blocks}"
