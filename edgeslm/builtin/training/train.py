"""Trains the built-in model from nothing: tokenizer, then weights, from one seed.

    python -m edgeslm.builtin.training.train --out DIR [--resume] [--examples N] [--processes N]

The stream of examples depends on the seed alone. DIR keeps the tokenizer, a checkpoint that --resume continues from,
and the exported model. The rate warms up, stays for a third of the run, and falls to nothing.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, field
from itertools import islice, pairwise
from pathlib import Path

import torch
from tokenizers import Tokenizer

from . import tokenizer as words
from . import workers
from .batches import BATCH, Batch, Feed, Queue, ahead, batches_of
from .evaluate import by_kind, exact, read
from .export import export, replaced
from .model import Decoder, Shape, count, loss_of
from .optimiser import Optimiser, Rates
from .sentences import CHUNK, stream


@dataclass(frozen=True)
class Plan:
    """Everything a run depends on.

    `schedule` has corners (share of the run, share of the peak rate) with straight lines between them.
    """

    seed: int = 2026
    examples: int = 735 * CHUNK
    processes: int = 2
    schedule: tuple[tuple[float, float], ...] = (
        (0.0, 0.0),
        (5.85 / 735, 1.0),
        (241 / 735, 1.0),
        (468 / 735, 0.3401),
        (1.0, 0.0),
    )
    tokenizer_examples: int = 40_000
    rates: Rates = field(default_factory=Rates)
    shape: Shape = field(default_factory=Shape)

    @property
    def chunks(self) -> int:
        """The number of chunks of the stream that are trained on."""
        return self.examples // CHUNK

    def factor(self, progress: float) -> float:
        """The learning rate at a share of the run, against its peak."""
        for (start, low), (end, high) in pairwise(self.schedule):
            if progress <= end:
                return low + (high - low) * (progress - start) / (end - start)
        return 0.0


def make_tokenizer(plan: Plan, path: Path) -> Tokenizer:
    """The tokenizer of a plan, trained on the start of another stream unless it is already there."""
    if not path.exists():
        texts = (text for e in islice(stream(plan.seed + 1), plan.tokenizer_examples) for text in (e.prompt, e.output))
        tokenizer = words.build(texts)
        replaced(path, lambda p: tokenizer.save(str(p)))
    return Tokenizer.from_file(str(path))


class Run:
    """A model, its optimiser and how far they are."""

    def __init__(self, plan: Plan, folder: Path, resume: bool) -> None:
        torch.manual_seed(plan.seed)
        self.plan = plan
        self.file = folder / "checkpoint.pt"
        self.model = Decoder(plan.shape)
        self.optimiser = Optimiser(self.model, plan.rates)
        self.loss = torch.compile(loss_of, dynamic=True)
        self.chunk = 0
        self.tokens = 0
        self.seconds = 0.0
        if resume and self.file.exists():
            self._resume()

    def _resume(self) -> None:
        state = torch.load(self.file, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.chunk, self.tokens, self.seconds = state["chunk"], state["tokens"], state["seconds"]

    def save(self) -> None:
        """Replace the checkpoint."""
        state = {
            "model": self.model.state_dict(), "optimiser": self.optimiser.state_dict(),
            "chunk": self.chunk, "tokens": self.tokens, "seconds": self.seconds,
        }  # fmt: skip
        replaced(self.file, lambda p: torch.save(state, p))

    def train(self, batches: list[Batch]) -> float:
        """One chunk; gives the mean loss."""
        began = time.monotonic()
        losses = []
        for at, (ids, weights) in enumerate(batches):
            with torch.autocast("cpu", torch.bfloat16):
                loss = self.loss(self.model, ids, weights)
            loss.backward()
            workers.share_gradients(self.optimiser.parameters, self.plan.processes)
            self.optimiser.step(self.plan.factor((self.chunk + (at + 0.5) / len(batches)) / self.plan.chunks))
            losses.append(float(loss.detach()))
            self.tokens += int((weights > 0).sum()) * self.plan.processes
        self.chunk += 1
        self.seconds += time.monotonic() - began
        return sum(losses) / len(losses)


def measure(run: Run, tokenizer: Tokenizer, files: list[Path]) -> str:
    """Exact match on each task file, as text."""
    found = []
    for path in files:
        tasks = read(path)
        counts = by_kind(tasks, exact(run.model, tokenizer, tasks))
        parts = " ".join(f"{kind.split()[0]}={100 * hits / total:.1f}" for kind, (hits, total) in counts.items())
        found.append(f"  {path.stem}: {parts}")
    return "\n".join(found)


@dataclass(frozen=True)
class Start:
    """Where a run begins."""

    plan: Plan
    folder: Path
    resume: bool


def help_along(rank: int, meeting: Path, start: Start, queue: Queue) -> None:
    """What every process but the first does."""
    plan = start.plan
    workers.join(rank, plan.processes, meeting)
    run = Run(plan, start.folder, start.resume)
    while run.chunk < plan.chunks:
        run.train(batches_of(queue))


def main() -> None:
    """Train, and export as often as asked."""
    arguments = _parser().parse_args()
    plan = Plan(seed=arguments.seed, examples=arguments.examples, processes=arguments.processes)
    folder: Path = arguments.out
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = make_tokenizer(plan, folder / "tokenizer.json")
    run = Run(plan, folder, arguments.resume)
    queues = ahead(Feed(folder / "tokenizer.json", plan.seed, run.chunk, plan.processes))
    start = Start(plan, folder, arguments.resume)
    meeting = workers.start_others(help_along, plan.processes, [(start, queue) for queue in queues[1:]])
    workers.join(0, plan.processes, meeting)
    _say(f"{count(run.model)} parameters, {plan.chunks} chunks of {CHUNK} examples, batch {BATCH}, {run.chunk} done")
    saved = time.monotonic()
    while run.chunk < plan.chunks:
        _progress(run, run.train(batches_of(queues[0])))
        if time.monotonic() - saved > 60 * arguments.save_minutes or run.chunk == plan.chunks:
            run.save()
            export(run.model, tokenizer, folder / "model")
            _say(measure(run, tokenizer, arguments.tasks))
            saved = time.monotonic()


def _progress(run: Run, loss: float) -> None:
    speed = run.tokens / run.seconds
    left = run.seconds / run.chunk * (run.plan.chunks - run.chunk)
    done = 100 * run.chunk / run.plan.chunks
    _say(
        f"{time.strftime('%H:%M:%S')} {done:5.1f} %  {run.chunk * CHUNK:8} examples  loss {loss:.4f}  "
        f"{speed:6.0f} tokens/s  {run.seconds / 60:5.1f} min, {left / 60:5.1f} left"
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for the tokenizer, the checkpoint and the exported model"
    )
    parser.add_argument(
        "--resume", action="store_true", help="continue from the checkpoint in the folder, if one is there"
    )
    parser.add_argument(
        "--examples", type=int, default=Plan.examples, help="examples to train on, all of them different draws"
    )
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--processes", type=int, default=Plan.processes, help="processes with one thread each")
    parser.add_argument("--save-minutes", type=float, default=5.0, help="minutes between checkpoints")
    parser.add_argument("--tasks", type=Path, nargs="*", default=[], help="task files to measure at each checkpoint")
    return parser


if __name__ == "__main__":
    main()
