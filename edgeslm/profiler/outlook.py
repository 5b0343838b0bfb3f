"""What is known of one variant for one task: each figure measured on the board where it was, else estimated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeslm.profiler.figure import Figure
from edgeslm.profiler.task import usual_task

if TYPE_CHECKING:
    from edgeslm.profiler.aim import Aim
    from edgeslm.profiler.candidate import Candidate
    from edgeslm.profiler.task import Task


@dataclass(frozen=True)
class Outlook:
    """The figures that objectives and limits look at: bytes, seconds, tokens a second, joules an answer.

    `kld_mean` (nats a token) and `energy_j` are None while nobody knows them.
    """

    peak_bytes: Figure
    first_token_s: Figure
    decode_tps: Figure
    answer_s: Figure
    kld_mean: float | None = None
    energy_j: Figure | None = None


def estimated(candidate: Candidate, task: Task | None, kld_mean: float | None = None) -> Outlook:
    """Return what a plan knows, whose estimates were made for this task; and a divergence that was measured."""
    figures = candidate.estimate
    answer = answer_time(figures.first_token_s, figures.decode_tps, task or usual_task(candidate.context))
    return Outlook(figures.peak_bytes, figures.first_token_s, figures.decode_tps, answer, kld_mean, figures.energy_j)


def answer_time(first_token_s: Figure, decode_tps: Figure, task: Task) -> Figure:
    """Return the seconds of a whole answer: until its first token, and then one decoding step for each further one."""
    more = task.answer - 1
    return Figure(
        first_token_s.value + more / decode_tps.value,
        first_token_s.low + more / decode_tps.high,
        first_token_s.high + more / decode_tps.low,
        "s",
        decode_tps.basis,
        decode_tps.on,
    )


def reading_time(prefill_tps: Figure, prompt: int) -> Figure:
    """Return the seconds of reading a prompt of so many tokens at a rate that was measured with another length."""
    return Figure(
        prompt / prefill_tps.value,
        prompt / prefill_tps.high,
        prompt / prefill_tps.low,
        "s",
        prefill_tps.basis,
        prefill_tps.on,
    )


def cost(outlook: Outlook, aim: Aim, *, weight_error: float, read_bytes: float) -> float:
    """Return what the objective wants little of: seconds, bytes, nats or joules.

    Where quality or energy is unknown, the error left in the weights or the bytes a token reads stand in: they order
    variants alike (KL grows with the square of the error; bytes moved cost most of the energy of a token, arXiv
    2509.20189) and say nothing in nats or joules.
    """
    if aim.objective == "memory":
        return outlook.peak_bytes.value
    if aim.objective == "quality":
        return weight_error if outlook.kld_mean is None else outlook.kld_mean
    if aim.objective == "energy":
        return read_bytes if outlook.energy_j is None else outlook.energy_j.value
    if aim.objective == "first-token":
        return outlook.first_token_s.value
    if aim.objective == "speed" and aim.task is not None:
        return outlook.answer_s.value
    return 1 / outlook.decode_tps.value
