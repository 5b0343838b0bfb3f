"""The passes that reading a prompt and decoding a token take, in each runtime. Pure; what they cost is in reach.py."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeslm_agent.engine.runtime.litert_calls import cache_size, prompt_calls
from edgeslm_exporters.tflite.layout import PREFILL_SIZES, SCORE_ROWS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgeslm_exporters.matrices import AnyLayout

# LiteRT's caches grow with a prompt: each is moved, and each signature resized when it is next called. Seconds a byte,
# a signature and one of its layers, from five models of 4 to 30 layers on a server's core; a slower core needs more, of
# a time that is small.
MOVE_BYTE_S, RESIZE_S, RESIZE_LAYER_S = 1e-9, 1.5e-3, 1e-4


@dataclass(frozen=True)
class Pass:
    """`rows` tokens read at once on top of `past` others, so many `times`; `logits` are given for so many of them.

    LiteRT's caches have room for `room` tokens, onnxruntime's for what they hold. `beside` are seconds that all of them
    take beside their work; `layers` is false for the head alone.
    """

    rows: int
    past: float
    times: float = 1
    logits: int = 1
    room: float = 0
    beside: float = 0.0
    layers: bool = True


def step_pass(places: AnyLayout, past: float) -> tuple[Pass, ...]:
    """Return what decoding one token on top of `past` others takes."""
    return (Pass(1, past, room=litert_room(places, int(past), int(past))),)


def prompt_passes(places: AnyLayout, tokens: int, chunk: int) -> tuple[Pass, ...]:
    """Return what reading a prompt takes: full chunks, each at the middle of their pasts, and what is left over.

    onnxruntime multiplies the head with the last row of each, as in a step: by itself, however many rows were read.
    LiteRT reads in the sizes that its engine chooses, with room in its caches from the last prompt of this length.
    """
    if places.format == "tflite":
        return _litert_passes(places, tokens, chunk)
    full, rest = divmod(tokens, chunk)
    chunks = Pass(chunk, chunk * (full - 1) / 2, full, logits=0), Pass(rest, full * chunk, logits=0)
    head = Pass(1, 0, full + (rest > 0), layers=False)
    return (*(one for one, found in zip(chunks, (full, rest), strict=True) if found), head)


def logits_of(places: AnyLayout, rows: int) -> int:
    """Return how many logits a pass of so many rows gives: onnxruntime's that of the last, LiteRT's all or none."""
    if places.format == "tflite":
        return rows if rows <= SCORE_ROWS else 0
    return 1


def litert_room(places: AnyLayout, needed: int, end: int) -> int:
    """Return how many tokens LiteRT's caches have room for when they hold `needed` of `end`; 0: no LiteRT."""
    return cache_size(needed, 0, places.context, end=end) if places.format == "tflite" else 0


def _litert_passes(places: AnyLayout, tokens: int, chunk: int) -> tuple[Pass, ...]:
    tail = min(SCORE_ROWS, places.context)
    sizes = (tail, *(size for size in PREFILL_SIZES if size <= min(chunk, places.context)))
    calls, beside = defaultdict[int, list[tuple[int, int]]](list), defaultdict[int, float](float)
    read, room, fitted = 0, litert_room(places, tokens, tokens), set(sizes)
    for size, count in prompt_calls(sizes, tail, tokens, places.context):
        wanted = cache_size(read + size, room, places.context, end=tokens, kept=read > 0)
        if wanted != room:
            room, fitted = wanted, set()
            beside[size] += MOVE_BYTE_S * places.cache_bytes(room)
        if size not in fitted:
            fitted.add(size)
            beside[size] += RESIZE_S + RESIZE_LAYER_S * places.spec.layers
        calls[size].append((read, room))
        read += count
    return tuple(_alike(places, size, found, beside[size]) for size, found in calls.items())


def _alike(places: AnyLayout, rows: int, calls: Sequence[tuple[int, int]], beside: float) -> Pass:
    """Return calls of one signature, each with (tokens before it, room), as so many in the middle of them."""
    past, room = (sum(found) / len(calls) for found in zip(*calls, strict=True))
    return Pass(rows, past, len(calls), logits_of(places, rows), room, beside)
