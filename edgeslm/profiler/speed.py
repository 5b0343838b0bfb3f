"""How long a board takes for one pass through a model: bytes moved, operations done, layers begun.

    seconds = ((bytes / bandwidth)^4 + ((multiply-adds + scales x cost of one) / rate)^4)^(1/4)
              + attended / attention rate + layers x seconds a layer + seconds a call

A token reads every weight once, and depth costs by itself: two coefficients, bytes and layers, leave 11 % of 20
public models' times (arXiv 2409.15790, figures). The fourth power rounds the roofline's corner; the first would add
both times, an infinite one would take the larger. Bandwidth is shared: few threads are limited each by itself, many
by the memory.

Pure Python: the plan imports this, and must not import numpy for it.
"""

from __future__ import annotations

from dataclasses import dataclass

SHARPNESS = 4


@dataclass(frozen=True)
class Work:
    """One pass: bytes read (weights as the runtime holds them, and the cache), multiply-adds, layers, threads at work.

    `attended` are the multiply-adds of attention where it is timed for itself: its kernels are others. `scales` are
    those of blocks that the products take beside their weights.
    A prompt in chunks is one Work a chunk; `passes` of them take as many times as long.
    """

    read_bytes: float
    multiply_adds: float
    layers: float
    threads: float = 1
    passes: float = 1
    attended: float = 0
    scales: float = 0


@dataclass(frozen=True)
class Constants:
    """What a board reaches with a runtime: bytes a second (all threads, one thread), multiply-adds a second and thread.

    `layer_s` is the time a layer takes beside its arithmetic: starting it, waiting for all threads; `call_s` that of a
    call. `attention_rate` is multiply-adds a second of one thread in attention; a block's scale takes as long as
    `scale_cost` multiply-adds.
    """

    bandwidth: float
    thread_bandwidth: float
    thread_rate: float
    layer_s: float
    share: float = 1.0  # of all of these that a runtime reaches in its setting
    attention_rate: float = 1e15
    call_s: float = 0.0
    scale_cost: float = 1.0

    def reached_bandwidth(self, threads: float) -> float:
        """Return the bytes a second that so many threads read together."""
        return 1 / (1 / self.bandwidth + 1 / (threads * self.thread_bandwidth))


def seconds(work: Work, constants: Constants) -> float:
    """Return how long the work takes; more bytes, operations or layers never take less, a faster board never more."""
    moving = work.read_bytes / constants.reached_bandwidth(work.threads)
    computing = (work.multiply_adds + constants.scale_cost * work.scales) / (work.threads * constants.thread_rate)
    attending = work.attended / (work.threads * constants.attention_rate)
    beginning = work.layers * constants.layer_s + constants.call_s
    return work.passes * (overlapped(moving, computing) + attending + beginning) / constants.share


def overlapped(moving: float, computing: float) -> float:
    """Return the seconds of moving bytes and computing at once: a little more than the longer of the two."""
    longer = max(moving, computing)
    return longer * (1 + (min(moving, computing) / longer) ** SHARPNESS) ** (1 / SHARPNESS) if longer else 0.0
