"""What a machine answers with a bundle: run here and by an emulated board, then compared.

python answers.py BUNDLE CASES ANSWERS: the cases are [{"prompt", "expected"}] in JSON; the answers {"read", "written"}.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, TypedDict

from edgeslm_agent.bundle import open_bundle
from edgeslm_agent.engine.generation import Generation
from edgeslm_agent.engine.session import Session

TASKS = Path(__file__).parents[2] / "edgeslm/builtin/home/tasks/combinations.jsonl"
ROWS = 32  # of a prefill pass: a core emulated without the dot product takes long for one
WRITTEN = 10  # cases that are answered freely too, token by token


class Case(TypedDict):
    """A request and the answer that the model was trained to give."""

    prompt: str
    expected: str


class Answers(TypedDict):
    """The likeliest token after each token of a prompt with its answer, where the answer begins; greedy answers."""

    read: list[list[int]]
    begins: list[int]
    written: list[list[int]]


def held_out_cases(count: int) -> list[Case]:
    """Return the first tasks of the built-in model's held-out combinations."""
    tasks: list[dict[str, Any]] = [json.loads(line) for line in TASKS.read_text("utf-8").splitlines()[:count]]
    compact = [json.dumps(task["expected"], separators=(",", ":")) for task in tasks]
    return [{"prompt": task["prompt"], "expected": text} for task, text in zip(tasks, compact, strict=True)]


def answers(bundle: Path, cases: list[Case]) -> Answers:
    """Return what this machine makes of the cases."""
    with Session.open(open_bundle(bundle), threads=2, prefill_rows=ROWS) as session:
        return {
            "read": [_likeliest(session, case) for case in cases],
            "begins": [len(session.encode_prompt(case["prompt"])) - 1 for case in cases],
            "written": [list(session.complete(case["prompt"], Generation()).token_ids) for case in cases[:WRITTEN]],
        }


def _likeliest(session: Session, case: Case) -> list[int]:
    ids = session.encode_prompt(case["prompt"], answer=case["expected"])
    likeliest: list[int] = session.score(ids).argmax(axis=1).tolist()
    return likeliest


def agreeing(there: Answers, here: Answers, *, whole: bool) -> tuple[int, int]:
    """Return at how many positions both have the same likeliest token, of how many; `whole`: in prompts as well."""
    pairs = [
        pair
        for one, other, begin in zip(there["read"], here["read"], here["begins"], strict=True)
        for pair in zip(one[0 if whole else begin :], other[0 if whole else begin :], strict=True)
    ]
    return sum(one == other for one, other in pairs), len(pairs)


if __name__ == "__main__":
    bundle, asked, out = map(Path, sys.argv[1:])
    out.write_text(json.dumps(answers(bundle, json.loads(asked.read_text("utf-8")))), encoding="utf-8")
