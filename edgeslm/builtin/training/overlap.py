"""How many prompts of the task files the training stream says word for word, by whatever template; takes minutes.

python -m edgeslm.builtin.training.overlap --run DIR --home DIR

The prompts found go to DIR/overlap.json of the run, from which the model card takes its figures.
"""

from __future__ import annotations

import argparse
import json
import re
from functools import partial
from itertools import islice
from multiprocessing import Pool
from pathlib import Path

from .sentences import CHUNK, stream

SEED, CHUNKS = 2026, 735


def plain(text: str) -> str:
    """A prompt without capitals and marks."""
    return re.sub(r"[^a-z0-9 ]", "", text.lower()).strip()


def prompts(path: Path) -> frozenset[str]:
    """The plain prompts of a task file."""
    return frozenset(plain(json.loads(line)["prompt"]) for line in path.read_text(encoding="utf-8").splitlines())


def said(wanted: frozenset[str], chunk: int) -> frozenset[str]:
    """Which of the wanted prompts one chunk of the stream says."""
    return frozenset(plain(example.prompt) for example in islice(stream(SEED, chunk), CHUNK)) & wanted


def find(home: Path) -> list[str]:
    """The plain prompts of the task files that the stream says."""
    wanted = frozenset().union(*(prompts(path) for path in (home / "tasks").glob("*.jsonl")))
    found: set[str] = set()
    with Pool() as pool:
        for part in pool.imap_unordered(partial(said, wanted), range(CHUNKS)):
            found |= part
    return sorted(found)


def main() -> None:
    """Write overlap.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--home", type=Path, required=True)
    arguments = parser.parse_args()
    (arguments.run / "overlap.json").write_text(json.dumps(find(arguments.home)), encoding="utf-8")


if __name__ == "__main__":
    main()
