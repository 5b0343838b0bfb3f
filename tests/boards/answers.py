"""What a machine answers with a bundle: run here and by an emulated board, then compared.

python answers.py BUNDLE CASES ANSWERS: the cases are [{"prompt", "expected"}] in JSON; the answers {"read", "written"}.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TypedDict

from edgeslm_agent.bundle import open_bundle
from edgeslm_agent.engine.generation import Generation
from edgeslm_agent.engine.session import Session

ROWS = 32  # of a prefill pass: a core emulated without the dot product takes long for one
WRITTEN = 10  # cases that are answered freely too, token by token


class Case(TypedDict):
    """A request and the answer that the model was trained to give."""

    prompt: str
    expected: str


class Answers(TypedDict):
    """The likeliest token before each token of an expected answer and after it; the tokens of greedy answers."""

    read: list[list[int]]
    written: list[list[int]]


def answers(bundle: Path, cases: list[Case]) -> Answers:
    """Return what this machine makes of the cases."""
    with Session.open(open_bundle(bundle), threads=2, prefill_rows=ROWS) as session:
        return {
            "read": [_likeliest(session, case) for case in cases],
            "written": [list(session.complete(case["prompt"], Generation()).token_ids) for case in cases[:WRITTEN]],
        }


def _likeliest(session: Session, case: Case) -> list[int]:
    begin = len(session.encode_prompt(case["prompt"])) - 1
    ids = session.encode_prompt(case["prompt"], answer=case["expected"])
    likeliest: list[int] = session.score(ids)[begin:].argmax(axis=1).tolist()
    return likeliest


if __name__ == "__main__":
    bundle, cases, out = map(Path, sys.argv[1:])
    out.write_text(json.dumps(answers(bundle, json.loads(cases.read_text("utf-8")))), encoding="utf-8")
