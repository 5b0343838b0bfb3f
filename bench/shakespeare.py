"""Trains small Llama-type decoders on one English text: weights that mean something, to measure quantisation on.

    PYTHONPATH=. .venv-references/bin/python -m bench.shakespeare --text FILE --size 5m --out DIR

Everything follows from the text and the size: the same run gives the same weights on the same machine, and an
interrupted one continues where it was saved. DIR becomes a checkpoint in Hugging Face layout; beside the weights it
keeps `training.txt`, the `held-out.txt` that no weight has seen (the last tenth of the text), and `losses.json` with
the held-out loss of the model and of a bigram. Only this bench and the training of the built-in model use torch.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from edgeslm.builtin.training.export import export, replaced
from edgeslm.builtin.training.model import Decoder, Shape, count, loss_of
from edgeslm.builtin.training.optimiser import Optimiser, Rates
from edgeslm.builtin.training.tokenizer import SPECIAL

HELD_OUT = 0.1
VOCABULARY = 2048
LENGTH = 256
SAVE_EVERY = 50
WARM_UP = 40
SHAPES = {
    "5m": Shape(hidden=256, layers=6, heads=4, kv_heads=2, ffn=768, vocabulary=VOCABULARY, positions=LENGTH),
    "12m": Shape(hidden=384, layers=7, heads=6, kv_heads=2, ffn=1024, vocabulary=VOCABULARY, positions=LENGTH),
}
STEPS = {"5m": 600, "12m": 400}


@dataclass(frozen=True)
class Plan:
    """Everything a run depends on besides the text."""

    shape: Shape
    steps: int
    batch: int = 8
    seed: int = 1623
    rates: Rates = field(default_factory=Rates)

    def factor(self, step: int) -> float:
        """The learning rate against its peak: a short rise, a plateau, and a straight fall over the last 60 %."""
        return min((step + 1) / WARM_UP, 1.0, (self.steps - step) / (0.6 * self.steps))


def split(text: str) -> tuple[str, str]:
    """The text cut at the blank line nearest before its last tenth: what is learnt from, and what is held out."""
    cut = text.rindex("\n\n", 0, int(len(text) * (1 - HELD_OUT))) + 2
    return text[:cut], text[cut:]


def tokenizer_of(text: str) -> Tokenizer:
    """A byte-level BPE trained on a text; case and line ends are kept."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator([text], trainer)
    return tokenizer


def bigram_loss(train: np.ndarray, held: np.ndarray) -> float:
    """Cross-entropy in nats of a bigram that falls back on the smoothed unigram with Witten and Bell's weights."""
    pairs = np.zeros((VOCABULARY, VOCABULARY))
    np.add.at(pairs, (train[:-1], train[1:]), 1.0)
    single = np.bincount(train, minlength=VOCABULARY) + 1.0
    kinds = (pairs > 0).sum(axis=1, keepdims=True)
    smooth = (pairs + kinds * single / single.sum()) / np.maximum(pairs.sum(axis=1, keepdims=True) + kinds, 1.0)
    unseen = kinds[:, 0] == 0
    smooth[unseen] = single / single.sum()
    return float(-np.log(smooth[held[:-1], held[1:]]).mean())


class Run:
    """A model, its optimiser and how far they are."""

    def __init__(self, plan: Plan, tokenizer: Tokenizer, ids: np.ndarray, folder: Path) -> None:
        torch.manual_seed(plan.seed)
        self.plan, self.tokenizer, self.folder = plan, tokenizer, folder
        self.ids = torch.from_numpy(ids.astype(np.int64))
        self.model = Decoder(plan.shape)
        self.optimiser = Optimiser(self.model, plan.rates)
        self.step = 0
        if self._file.exists():
            state = torch.load(self._file, weights_only=True)
            self.model.load_state_dict(state["model"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.step = state["step"]

    @property
    def _file(self) -> Path:
        return self.folder / "run.pt"

    def save(self) -> None:
        """Replace the saved state, and the checkpoint."""
        state = {"model": self.model.state_dict(), "optimiser": self.optimiser.state_dict(), "step": self.step}
        replaced(self._file, lambda path: torch.save(state, path))
        export(self.model, self.tokenizer, self.folder)

    def train(self) -> float:
        """One step on rows that depend on the seed and the step alone; gives the loss."""
        places = np.random.default_rng((self.plan.seed, self.step))
        starts = places.integers(0, len(self.ids) - LENGTH - 1, self.plan.batch)
        rows = torch.stack([self.ids[start : start + LENGTH + 1] for start in starts])
        loss = mean_loss(self.model, rows)
        loss.backward()
        self.optimiser.step(self.plan.factor(self.step))
        self.step += 1
        return float(loss.detach())


def mean_loss(model: Decoder, rows: torch.Tensor) -> torch.Tensor:
    """The mean cross-entropy of rows of LENGTH + 1 tokens, in bfloat16 where that is exact enough."""
    with torch.autocast("cpu", torch.bfloat16):
        return loss_of(model, rows, torch.ones(rows.shape))


def held_out_loss(model: Decoder, ids: np.ndarray) -> float:
    """The mean cross-entropy in nats over a text cut into rows."""
    rows = torch.from_numpy(ids[: (len(ids) - 1) // LENGTH * LENGTH + 1].astype(np.int64)).unfold(0, LENGTH + 1, LENGTH)
    with torch.no_grad():
        losses = [float(mean_loss(model, part)) * len(part) for part in rows.split(16)]
    return sum(losses) / len(rows)


def learn(run: Run) -> None:
    """Run to the end of the plan, saving now and then."""
    began, first = time.monotonic(), run.step
    while run.step < run.plan.steps:
        loss = run.train()
        if run.step % 10 == 0:
            left = (time.monotonic() - began) / (run.step - first) * (run.plan.steps - run.step)
            _say(f"step {run.step} of {run.plan.steps}  loss {loss:.3f}  {left / 60:.1f} min left")
        if run.step % SAVE_EVERY == 0 or run.step == run.plan.steps:
            run.save()


def main() -> None:
    """Train one size, and write its checkpoint."""
    arguments = _parser().parse_args()
    torch.set_num_threads(1)
    folder: Path = arguments.out
    folder.mkdir(parents=True, exist_ok=True)
    train, held = split(arguments.text.read_text(encoding="utf-8"))
    replaced(folder / "training.txt", lambda path: _write(path, train))
    replaced(folder / "held-out.txt", lambda path: _write(path, held))
    tokenizer = tokenizer_of(train)
    ids, held_ids = (np.array(tokenizer.encode(part).ids) for part in (train, held))
    run = Run(Plan(SHAPES[arguments.size], STEPS[arguments.size]), tokenizer, ids, folder)
    _say(f"{count(run.model)} parameters, {len(ids)} tokens, {len(held_ids)} held out, {run.step} steps done")
    learn(run)
    losses = {"held_out": held_out_loss(run.model, held_ids), "bigram": bigram_loss(ids, held_ids)}
    _say(f"held-out loss {losses['held_out']:.3f}, a bigram's {losses['bigram']:.3f}")
    replaced(folder / "losses.json", lambda path: _write(path, json.dumps(losses) + "\n"))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=Path, required=True, help="the text to learn from")
    parser.add_argument("--size", choices=sorted(SHAPES), required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder of the checkpoint; continued where it stopped")
    return parser


if __name__ == "__main__":
    main()
