"""Training batches from a seed: chunks of the stream as tokens, made ahead of time by a process of its own."""

from __future__ import annotations

import multiprocessing
import multiprocessing.queues
import time
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import TYPE_CHECKING

import numpy as np
import torch
from tokenizers import Tokenizer

from .sentences import CHUNK, Example, stream
from .tokenizer import ASSISTANT, SPECIAL, chat

if TYPE_CHECKING:
    from pathlib import Path

BATCH = 128
LONGEST = 192
ROUND = 8
PROMPT_WEIGHT = 0.1

Batch = tuple[torch.Tensor, torch.Tensor]
Arrays = list[tuple[np.ndarray, np.ndarray]]


def encode(tokenizer: Tokenizer, examples: list[Example]) -> list[list[int]]:
    """The tokens of each example, prompt and output together."""
    return [e.ids for e in tokenizer.encode_batch([chat(e.prompt, e.output) for e in examples])]


def chunk_batches(tokenizer: Tokenizer, seed: int, chunk: int) -> Arrays:
    """One chunk of the stream as batches of like length, in an order of the seed's."""
    rows = encode(tokenizer, list(islice(stream(seed, chunk), CHUNK)))
    rows = sorted((row for row in rows if len(row) <= LONGEST), key=len)
    assistant = SPECIAL.index(ASSISTANT)
    arrays = [padded(rows[at : at + BATCH], assistant) for at in range(0, len(rows) - BATCH + 1, BATCH)]
    Random(f"{seed}:{chunk}:order").shuffle(arrays)
    return arrays


def padded(rows: list[list[int]], assistant: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of one length, and each token's weight in the loss: 1 in the output, little in the prompt, 0 in padding."""
    longest = max(map(len, rows))
    width = -(-(longest - 1) // ROUND) * ROUND + 1
    ids = np.zeros((len(rows), width), dtype=np.int32)
    weights = np.zeros((len(rows), width), dtype=np.float32)
    for at, row in enumerate(rows):
        start = row.index(assistant) + 1
        ids[at, : len(row)] = row
        weights[at, :start] = PROMPT_WEIGHT
        weights[at, start : len(row)] = 1.0
    return ids, weights


@dataclass(frozen=True)
class Feed:
    """Which chunks are made for whom: each of `shares` readers gets its part of every batch."""

    tokenizer_file: Path
    seed: int
    start: int
    shares: int


if TYPE_CHECKING:
    Queue = multiprocessing.queues.Queue[Arrays]
else:
    Queue = multiprocessing.queues.Queue


def ahead(feed: Feed) -> list[Queue]:
    """One queue per reader, filled chunk by chunk from `start` on by a process of its own while the readers train."""
    context = multiprocessing.get_context("spawn")
    queues = [context.Queue(maxsize=6) for _ in range(feed.shares)]
    context.Process(target=_work, args=(feed, queues), daemon=True).start()
    return queues


def _work(feed: Feed, queues: list[Queue]) -> None:
    tokenizer = Tokenizer.from_file(str(feed.tokenizer_file))
    chunk = feed.start
    while True:
        arrays = chunk_batches(tokenizer, feed.seed, chunk)
        for share, queue in enumerate(queues):
            _put(
                queue,
                [(ids[share :: feed.shares].copy(), weights[share :: feed.shares].copy()) for ids, weights in arrays],
            )
        chunk += 1


def _put(queue: Queue, arrays: Arrays) -> None:
    """Wait for room; end when nobody is left to read."""
    parent = multiprocessing.parent_process()
    while queue.full():
        if parent is not None and not parent.is_alive():
            raise SystemExit(0)
        time.sleep(0.2)
    queue.put(arrays)


def batches_of(queue: Queue) -> list[Batch]:
    """The next chunk of a queue as tensors."""
    return [(torch.from_numpy(ids).long(), torch.from_numpy(weights)) for ids, weights in queue.get()]
