"""Several processes that train one model, each on its part of every batch, and agree on the gradient once a step.

On a busy CPU this wastes less than threads, which wait for the slowest of them hundreds of times a step.
"""

from __future__ import annotations

import multiprocessing
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.distributed as together
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable


def join(rank: int, size: int, meeting: Path) -> None:
    """Meet the other processes."""
    torch.set_num_threads(1)
    if size > 1:
        together.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=size)


def share_gradients(parameters: list[nn.Parameter], size: int) -> None:
    """Replace each gradient by the mean over the processes."""
    if size == 1:
        return
    grads = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([g.flatten() for g in grads])
    together.all_reduce(flat)
    flat /= size
    at = 0
    for grad in grads:
        grad.copy_(flat[at : at + grad.numel()].view_as(grad))
        at += grad.numel()


def start_others(work: Callable[..., None], size: int, arguments: list[tuple[object, ...]]) -> Path:
    """Start the processes of rank 1 and up; gives the file at which all meet."""
    meeting = Path(tempfile.mkdtemp(prefix="edgeslm-train-")) / "meeting"
    context = multiprocessing.get_context("spawn")
    for rank in range(1, size):
        context.Process(target=work, args=(rank, meeting, *arguments[rank - 1]), daemon=True).start()
    return meeting
