"""The committed answers of `transformers`: one .npz a model under tests/references/logits.

A file holds, for each of its prompts, the token ids, the float32 logits `[positions, vocab]` that `transformers`
computed at some positions of the prompt (the last one always) and the greedy continuation; besides, the digest of the
weights they belong to and the versions that made them.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TESTS = Path(__file__).resolve().parent.parent
LOGITS = TESTS / "references" / "logits"
HOME = TESTS.parent / "edgeslm" / "builtin" / "home"
HOME_PROMPTS = (
    "turn on the kitchen lights",
    "set the thermostat in the bedroom to 21 degrees",
    "lock the front door and close the garage",
    "what is the meaning of life",
)


@dataclass(frozen=True)
class Answer:
    """What the model says to one prompt; `margin` is its smallest top-1 lead while it continues greedily, in logits."""

    prompt: tuple[int, ...]
    positions: tuple[int, ...]
    logits: NDArray[np.float32]
    greedy: tuple[int, ...]
    margin: float


@dataclass(frozen=True)
class Reference:
    """The answers of one model, for the weights with this SHA-256, made by these versions."""

    name: str
    weights: str
    versions: dict[str, str]
    answers: tuple[Answer, ...]


def read_reference(name: str) -> Reference:
    """Load the committed reference called `name`."""
    with np.load(LOGITS / f"{name}.npz", allow_pickle=False) as stored:
        facts = json.loads(str(stored["facts"]))
        answers = tuple(
            Answer(
                tuple(int(token) for token in stored[f"prompt_{index}"]),
                tuple(int(position) for position in stored[f"positions_{index}"]),
                stored[f"logits_{index}"],
                tuple(int(token) for token in stored[f"greedy_{index}"]),
                margin,
            )
            for index, margin in enumerate(facts["margins"])
        )
    return Reference(name, facts["weights"], facts["versions"], answers)


def write_reference(reference: Reference) -> Path:
    """Replace the committed file of this reference in one step; return its path."""
    facts = {
        "weights": reference.weights,
        "versions": reference.versions,
        "margins": [answer.margin for answer in reference.answers],
    }
    arrays: dict[str, Any] = {"facts": np.asarray(json.dumps(facts, sort_keys=True))}
    for index, answer in enumerate(reference.answers):
        arrays[f"prompt_{index}"] = np.asarray(answer.prompt, np.int32)
        arrays[f"positions_{index}"] = np.asarray(answer.positions, np.int32)
        arrays[f"logits_{index}"] = answer.logits.astype(np.float32)
        arrays[f"greedy_{index}"] = np.asarray(answer.greedy, np.int32)
    path = LOGITS / f"{reference.name}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".partial.npz")
    with temporary.open("wb") as stream:
        np.savez_compressed(stream, **arrays)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
    return path
