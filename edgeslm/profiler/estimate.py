"""Memory and speed of a variant before it exists: exact bytes from the layout, the rest from what the board reaches.

Memory. weights_bytes and kv_cache_bytes are exact; what the runtime makes of them is `memory.py`'s. The peak is that of
a full context; its lower end is that of the task alone, its upper end is what admission counts with.

Speed is that of `speed.py`. Where such a board was probed, its constants are fitted to that (`reach.py`). Else the
bandwidth's range is the profile's, and what models, formats and runtimes deviate from it in published rows
(profiles/speed.yaml), which are independent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeslm.profiler.endurance import energy, sustained
from edgeslm.profiler.figure import Figure, exact
from edgeslm.profiler.memory import Footprint, footprint
from edgeslm.profiler.speed import overlapped
from edgeslm.profiler.speed_priors import priors
from edgeslm.profiler.task import USUAL, usual_task
from edgeslm_exporters.quantized_rows import Blocks

if TYPE_CHECKING:
    from edgeslm.catalog import Profile
    from edgeslm.catalog.profile import Rate
    from edgeslm.profiler.task import Task
    from edgeslm_exporters.matrices import AnyLayout

PROMPT_TOKENS, ANSWER_TOKENS = USUAL.prompt, USUAL.answer  # `measure` uses the same
CHUNK = 128  # tokens the engine prefills at once


@dataclass(frozen=True)
class Span:
    """A quantity with its range."""

    value: float
    low: float
    high: float

    def figure(self, unit: str, on: str) -> Figure:
        """Return it as an estimated figure."""
        return Figure(self.value, self.low, self.high, unit, "estimated", on)

    @property
    def ends(self) -> tuple[float, float, float]:
        """Value, low and high."""
        return self.value, self.low, self.high


LAYER_CYCLES = Span(200e3, 80e3, 500e3)  # of the fastest core, per layer and pass: 0.07 ms at 3 GHz
# How far our runtime's products may be from those of the one a rate was taken with: public runs of one model differ
# by a quarter between equal graphs. Not fitted: published prefill of runtimes differs by more than their kernels do.
OTHER_RUNTIME = {"published": (0.6, 1.25), "measured": (0.9, 1.1), "estimated": (1.0, 1.0)}
FLOAT_SHARE = Span(0.5, 0.3, 1.0)  # of the int8 rate that fp32 products reach where there is a dot product
BOTH_COPIES_BEFORE = (1, 22)  # older runtimes may keep the file's bytes beside the packed ones


@dataclass(frozen=True)
class Estimate:
    """Predicted figures of one variant on one board: bytes, tokens a second, seconds, joules an answer.

    `sustained_tps` and `energy_j` are None where the profile has no fact to say them from.
    """

    weights_bytes: Figure
    kv_cache_bytes: Figure
    activations_bytes: Figure
    runtime_bytes: Figure
    peak_bytes: Figure
    decode_tps: Figure
    prefill_tps: Figure
    first_token_s: Figure
    sustained_tps: Figure | None = None
    energy_j: Figure | None = None


def estimate(places: AnyLayout, profile: Profile, task: Task | None = None) -> Estimate:
    """Predict the variant with this layout on the board of `profile`, its speeds for a task (the usual one if None)."""
    task = task or usual_task(places.context)
    on = profile.name
    memory = _memory(places, task)
    prompt = task.prompt
    first, step = _probed_seconds(places, profile, task) if profile.probed else _planned_seconds(places, profile, task)
    decode = Span(1 / step.value, 1 / step.high, 1 / step.low).figure("tokens/s", on)
    answer = Span(*(a + b * (task.answer - 1) for a, b in zip(first.ends, step.ends, strict=True))).figure("s", on)
    return Estimate(
        weights_bytes=exact(places.weights_bytes, "bytes", "estimated", on),
        kv_cache_bytes=exact(places.kv_cache_bytes, "bytes", "estimated", on),
        activations_bytes=Span(*(part.activations for part in memory)).figure("bytes", on),
        runtime_bytes=Span(*(part.runtime for part in memory)).figure("bytes", on),
        peak_bytes=_peak(places, profile, memory).figure("bytes", on),
        decode_tps=decode,
        prefill_tps=Span(prompt / first.value, prompt / first.high, prompt / first.low).figure("tokens/s", on),
        first_token_s=first.figure("s", on),
        sustained_tps=sustained(decode, profile),
        energy_j=energy(places, task, answer, profile),
    )


def _planned_seconds(places: AnyLayout, profile: Profile, task: Task) -> tuple[Span, Span]:
    """Return the seconds of the prompt and of a decoding step from the profile's figures."""
    return _pass_seconds(places, profile, task.prompt, task), _pass_seconds(places, profile, 1, task)


def _probed_seconds(places: AnyLayout, profile: Profile, task: Task) -> tuple[Span, Span]:
    """Return them from a probe that was taken on such a board."""
    from edgeslm.profiler.passes import prompt_passes, step_pass
    from edgeslm.profiler.reach import record_at, time_of

    assert profile.probed is not None
    record, threads = record_at(profile.probed), profile.speed.threads
    model = f"{places.spec.layers}x{places.spec.hidden}"
    wanted = prompt_passes(places, task.prompt, CHUNK), step_pass(places, task.prompt + task.answer / 2)
    first, step = (time_of(record, places, passes, threads, model) for passes in wanted)
    return Span(first.seconds, first.low, first.high), Span(step.seconds, step.low, step.high)


def prompt_tokens(context: int) -> int:
    """Return the length of the prompt that speeds are given for."""
    return usual_task(context).prompt


def decode_read_bytes(places: AnyLayout, task: Task) -> float:
    """Return the bytes one decoding step reads: every matrix as the runtime holds it, and the cache half way through.

    Half way: as long as it is when half of the task's answer is written.
    """
    cached = min(places.context, task.prompt + task.answer // 2)
    return places.decode_read_bytes + places.kv_cache_bytes * cached / places.context


def _memory(places: AnyLayout, task: Task) -> tuple[Footprint, Footprint, Footprint]:
    """Return what a full context holds, at least that of the task, at most that of the full context."""
    full = footprint(places, places.context, CHUNK)
    least = footprint(places, min(task.tokens, places.context), min(CHUNK, task.prompt))
    return full, least.end(0), full.end(1)


def _peak(places: AnyLayout, profile: Profile, memory: tuple[Footprint, Footprint, Footprint]) -> Span:
    value, low, high = (part.peak for part in memory)
    copies = places.weights_bytes if places.format == "onnx" and _keeps_both_copies(profile) else 0
    return Span(value, low, high + copies)


def _keeps_both_copies(profile: Profile) -> bool:
    newest = profile.onnxruntime.newest
    return newest is not None and tuple(int(part) for part in newest.split(".")[:2]) < BOTH_COPIES_BEFORE


def _pass_seconds(places: AnyLayout, profile: Profile, tokens: int, task: Task) -> Span:
    """Return the seconds of reading `tokens` at once: a prompt, or the one token of a decoding step."""
    bandwidth = _read_rate(profile.speed.decode_gb_s)
    nbytes = decode_read_bytes(places, task)
    products = _product_seconds(places, profile, tokens)
    cycles = profile.cores[0].max_mhz * 1e6
    return Span(
        *(
            overlapped(nbytes / 1e9 / speed, compute) + places.spec.layers * layer / cycles
            for speed, compute, layer in (
                (bandwidth.value, products.value, LAYER_CYCLES.value),
                (bandwidth.high, products.low, LAYER_CYCLES.low),
                (bandwidth.low, products.high, LAYER_CYCLES.high),
            )
        )
    )


def _product_seconds(places: AnyLayout, profile: Profile, tokens: int) -> Span:
    """Return the seconds of all products, each kind of matrix at the rate the board reaches for it."""
    quantised, floats = _multiply_adds(places, tokens)
    of_codes, of_floats = (_multiply_rate(profile, quantised=kind) for kind in (True, False))
    return Span(
        (quantised / of_codes.value + floats / of_floats.value) / 1e9,
        (quantised / of_codes.high + floats / of_floats.high) / 1e9,
        (quantised / of_codes.low + floats / of_floats.low) / 1e9,
    )


def _multiply_adds(places: AnyLayout, tokens: int) -> tuple[float, float]:
    """Return the multiply-adds of reading `tokens` at once, with quantised and with float weights.

    The head sees the last token only; attention multiplies floats.
    """
    spec = places.spec
    done = {True: 0.0, False: float(tokens * spec.layers * spec.query_size * tokens)}
    *layers, head = places.products
    for matrix, rows in (*((matrix, tokens) for matrix in layers), (head, 1)):
        weights = matrix.projection.rows * matrix.projection.columns * matrix.projection.share
        done[isinstance(matrix.storage, Blocks)] += rows * weights
    return done[True], done[False]


def _multiply_rate(profile: Profile, *, quantised: bool) -> Span:
    rate = _reached(profile.speed.prefill_gmac_s)
    if profile.target().int8_dot_product:
        share = Span(1, 1, 1) if quantised else FLOAT_SHARE
    else:  # 4-bit weights are widened to fp32 in the kernel; nobody measured ours on such a core
        share = Span(1, 0.5, 1) if quantised else Span(1, 1, 1)
    return Span(rate.value * share.value, rate.low * share.low, rate.high * share.high)


def _read_rate(rate: Rate) -> Span:
    """Return the bandwidth with a 90 % range: the board's own, and how far models and runtimes deviate from it."""
    scatter = priors().decode_range(same_runtime=rate.basis == "measured")
    slower, faster = (math.hypot(math.log(end / rate.value), scatter) for end in (rate.low, rate.high))
    return Span(rate.value, rate.value * math.exp(-slower), rate.value * math.exp(faster))


def _reached(rate: Rate) -> Span:
    low, high = OTHER_RUNTIME[rate.basis]
    return Span(rate.value, rate.low * low, rate.high * high)
