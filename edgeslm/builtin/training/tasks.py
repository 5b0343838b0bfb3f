"""The task files: sentences with their JSON that the model is measured on, from a fixed seed.

The free sentences are not made here.

python -m edgeslm.builtin.training.tasks DIR
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from .sentences import Example, Generator, Mixture

if TYPE_CHECKING:
    from collections.abc import Callable

SEED = "tasks"
SIZES = {"combinations": 1000, "templates": 1000, "lists": 300}


def combinations(count: int) -> list[Example]:
    """Sentences from trained templates with a combination never trained on; kinds as in training, but no `none`."""
    generator = Generator(Random(f"{SEED}:combinations"), replace(Mixture(), nothing=0.0))
    return _stratified(generator, count, lambda e: e.unseen_combination and not e.unseen_template)


def templates(count: int) -> list[Example]:
    """Sentences from at least one template never trained on; kinds as often as in training."""
    generator = Generator(Random(f"{SEED}:templates"), replace(Mixture(), unseen=True))
    return _stratified(generator, count, lambda e: e.unseen_template)


def lists(count: int) -> list[Example]:
    """Three steps in one sentence, at least one of them a combination never trained on."""
    generator = Generator(Random(f"{SEED}:lists"), replace(Mixture(), nothing=0.0, two_steps=0.0, three_steps=1.0))
    return _stratified(generator, count, lambda e: e.unseen_combination and not e.unseen_template)


MAKERS: dict[str, Callable[[int], list[Example]]] = {
    "combinations": combinations,
    "templates": templates,
    "lists": lists,
}


def write(folder: Path) -> None:
    """Write the three generated task files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in MAKERS.items():
        lines = [
            json.dumps({"prompt": e.prompt, "expected": e.expected}, ensure_ascii=False) for e in make(SIZES[name])
        ]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _stratified(generator: Generator, count: int, wanted: Callable[[Example], bool]) -> list[Example]:
    """Distinct sentences; the kind of each is drawn first and kept, so that rejection does not favour lists."""
    found: dict[str, Example] = {}
    while len(found) < count:
        kind = generator.example().kind
        example = generator.example()
        while example.kind != kind or not wanted(example):
            example = generator.example()
        found.setdefault(example.prompt, example)
    return list(found.values())


if __name__ == "__main__":
    write(Path(sys.argv[1]))
