"""What a machine answers with bundles: run here and by an emulated board, then compared.

python answers.py REQUESTS ANSWERS: both JSON; for each bundle the most likely token after every token of a text, and the
tokens of greedy answers.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from edgeslm_agent.bundle import open_bundle
from edgeslm_agent.engine.generation import Generation
from edgeslm_agent.engine.session import Session

ROWS = 32  # of a prefill pass: a board emulated without the dot product is slow


def answers(bundle: Path, texts: list[str], prompts: list[str], max_tokens: int) -> dict[str, Any]:
    """Return {"top": ids after each token of each text, "greedy": ids of each answer}."""
    options = Generation(max_tokens=max_tokens, temperature=0.0)
    with Session.open(open_bundle(bundle), threads=2, prefill_rows=ROWS) as session:
        window = session.manifest.decoder.context
        top = [session.score(session.encode(text)[:window]).argmax(axis=1).tolist() for text in texts]
        greedy = [list(session.complete(prompt, options).token_ids) for prompt in prompts]
    return {"top": top, "greedy": greedy}


if __name__ == "__main__":
    asked = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    found = {folder: answers(Path(folder), **request) for folder, request in asked.items()}
    Path(sys.argv[2]).write_text(json.dumps(found), encoding="utf-8")
