"""Puts a finished run into the package: weights, tokenizer, the generated task files, and the model card.

    python -m edgeslm.builtin.training.ship --run DIR --home DIR

Each file is complete or as it was. `tasks/free.jsonl` was not made by the generator and stays.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from . import tasks
from .card import card
from .export import replaced

FILES = ("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors")


def ship(run: Path, home: Path) -> None:
    """Copy the exported model, write the task files, measure, and write the card."""
    home.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        _copy(run / "model" / name, home / name)
    tasks.write(home / "tasks")
    text = card(run, home)
    replaced(home / "README.md", lambda path: _put(path, text))


def _copy(source: Path, target: Path) -> None:
    def write(path: Path) -> None:
        shutil.copyfile(source, path)

    replaced(target, write)


def _put(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def main() -> None:
    """Ship what the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="the folder the training wrote")
    parser.add_argument("--home", type=Path, required=True, help="the folder of the checkpoint in the package")
    arguments = parser.parse_args()
    ship(arguments.run, arguments.home)


if __name__ == "__main__":
    main()
