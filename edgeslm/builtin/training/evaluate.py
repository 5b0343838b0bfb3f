"""Exact match on the task files, by teacher forcing.

Greedy decoding writes the expected JSON if and only if every next token is the likeliest.

python -m edgeslm.builtin.training.evaluate DIR [--tasks FILE ...] [--errors N]
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer

from .batches import padded
from .model import Decoder, Shape
from .split import compact
from .tokenizer import ASSISTANT, SPECIAL, chat

TASKS = ("combinations", "templates", "lists", "free")


@dataclass(frozen=True)
class Task:
    """A sentence and what it should become."""

    prompt: str
    expected: Any

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The steps of the expected JSON."""
        return self.expected if isinstance(self.expected, list) else [self.expected]

    @property
    def kinds(self) -> list[str]:
        """The groups this task counts in."""
        first = self.steps[0]
        found = [
            "none" if first["action"] == "none" else {1: "one step", 2: "two steps", 3: "three steps"}[len(self.steps)]
        ]
        found += ["with a time"] * any({"at", "in", "for", "days"} & step.keys() for step in self.steps)
        found += ["with an open name"] * any("name" in step and step.get("device") != "scene" for step in self.steps)
        return found


def read(path: Path) -> list[Task]:
    """The tasks of a file."""
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    return [Task(row["prompt"], row["expected"]) for row in rows]


def exact(model: Decoder, tokenizer: Tokenizer, tasks: list[Task], batch: int = 100) -> list[bool]:
    """For each task whether greedy decoding gives exactly the expected JSON."""
    assistant = SPECIAL.index(ASSISTANT)
    rows = [e.ids for e in tokenizer.encode_batch([chat(t.prompt, compact(t.expected)) for t in tasks])]
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    right = [False] * len(rows)
    for at in range(0, len(order), batch):
        chosen = order[at : at + batch]
        ids, weights = (torch.from_numpy(a) for a in padded([rows[i] for i in chosen], assistant))
        with torch.no_grad():
            best = model.logits(model(ids[:, :-1].long())).argmax(-1)
        fits = (best == ids[:, 1:]) | (weights[:, 1:] != 1.0)
        for i, good in zip(chosen, fits.all(dim=1).tolist(), strict=True):
            right[i] = good
    return right


def by_kind(tasks: list[Task], right: list[bool]) -> dict[str, tuple[int, int]]:
    """How many were right of how many, in all and by kind."""
    counts: dict[str, tuple[int, int]] = {}
    for task, good in zip(tasks, right, strict=True):
        for kind in ("all", *task.kinds):
            hits, total = counts.get(kind, (0, 0))
            counts[kind] = hits + good, total + 1
    return counts


def load(folder: Path) -> tuple[Decoder, Tokenizer]:
    """The model of a folder, its 16-bit weights as 32-bit floats."""
    config = json.loads((folder / "config.json").read_text())
    names = "hidden_size num_hidden_layers num_attention_heads num_key_value_heads intermediate_size vocab_size"
    shape = Shape(*(config[name] for name in names.split()))
    model = Decoder(shape)
    weights = load_file(folder / "model.safetensors")
    model.load_state_dict({name.removeprefix("model."): tensor.float() for name, tensor in weights.items()})
    return model.eval(), Tokenizer.from_file(str(folder / "tokenizer.json"))


def main() -> None:
    """Print exact match per task file and kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tasks", type=Path, nargs="*")
    parser.add_argument("--errors", type=int, default=0, help="show so many wrong prompts of each file")
    arguments = parser.parse_args()
    model, tokenizer = load(arguments.folder)
    for path in arguments.tasks or [arguments.folder / "tasks" / f"{name}.jsonl" for name in TASKS]:
        tasks = read(path)
        right = exact(model, tokenizer, tasks)
        for kind, (hits, total) in by_kind(tasks, right).items():
            sys.stdout.write(f"{path.stem:14} {kind:18} {hits:5} of {total:5}  {100 * hits / total:5.1f} %\n")
        for task in [t for t, good in zip(tasks, right, strict=True) if not good][: arguments.errors]:
            sys.stdout.write(
                f"    {task.prompt}\n      {compact(task.expected)}\n      {write(model, tokenizer, task.prompt)}\n"
            )


def write(model: Decoder, tokenizer: Tokenizer, prompt: str, longest: int = 120) -> str:
    """What the model writes for a prompt, greedily."""
    ids = tokenizer.encode(chat(prompt)).ids
    start = len(ids)
    for _ in range(longest):
        with torch.no_grad():
            best = int(model.logits(model(torch.tensor([ids]))[0, -1]).argmax())
        if best == 3:
            break
        ids.append(best)
    return str(tokenizer.decode(ids[start:], skip_special_tokens=False))


if __name__ == "__main__":
    main()
