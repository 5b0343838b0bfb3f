"""Does onnxruntime-genai answer from our artefacts as our engine does?

The built-in model is exported with --genai, and both choose 32 tokens greedily after the same ids, stop tokens
ignored: sentences in the chat format, and random ids up to most of the context. Not a measurement but a check: it
prints what differs, then `N passed, N failed`, and exits 1 on a difference.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from bench.environments import ROOT, peer_python
from bench.models import DEVICE, EDGESLM
from edgeslm_agent.bundle import open_bundle
from edgeslm_agent.engine.generation import Generation
from edgeslm_agent.engine.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator

RECIPES = ("fp32", "wi4b32-afp32", "wi8-afp32")
TOKENS = 32
CONTEXT = 256
SENTENCES = ("turn on the kitchen light", "set the bedroom to 19 degrees", "is the garage door open?", "good night")
LENGTHS = (1, 2, 33, 130, CONTEXT - TOKENS)


def main() -> int:
    """Compare every recipe; 1 when an answer differs."""
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="edgeslm-genai-") as folder:
        for recipe in RECIPES:
            for line in _differences(_exported(recipe, Path(folder) / recipe)):
                passed, failed = (passed + 1, failed) if not line else (passed, failed + 1)
                if line:
                    print(f"{recipe}: {line}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def _exported(recipe: str, out: Path) -> Path:
    how = f"--device {DEVICE} --recipe {recipe} --context {CONTEXT} --gate none --no-measure --genai".split()
    subprocess.run([EDGESLM, "export", *how, "-o", out], check=True, capture_output=True, cwd=ROOT)
    return out


def _differences(folder: Path) -> Iterator[str]:
    """Yield one line a prompt: '' where both sides answer the same."""
    with Session.open(open_bundle(folder)) as session:
        prompts = list(_prompts(session))
        ours = [_answer(session, prompt) for prompt in prompts]
    used = {token for answer in ours for token in answer}
    stop = next(token for token in count() if token not in used)  # its runtime insists on one; this one never comes
    theirs = _genai_answers(folder / "artifacts", {"prompts": prompts, "tokens": TOKENS, "stop": stop})
    for prompt, our, their in zip(prompts, ours, theirs, strict=True):
        same = our == their and len(our) == TOKENS
        yield "" if same else f"after {len(prompt)} tokens {prompt[:8]}...\n  ours  {our}\n  genai {their}"


def _prompts(session: Session) -> Iterator[list[int]]:
    for sentence in SENTENCES:
        yield session.encode_prompt(sentence)
    for length in LENGTHS:
        drawn = random.Random(length)
        yield [drawn.randrange(session.manifest.decoder.vocab_size) for _ in range(length)]


def _answer(session: Session, prompt: list[int]) -> list[int]:
    return [token.id for token in session.generate(prompt, Generation(max_tokens=TOKENS, ignore_stop=True))]


def _genai_answers(artifacts: Path, asked: dict[str, object]) -> list[list[int]]:
    command: list[str | Path] = [peer_python("onnxruntime-genai"), "-m", "bench.sides.genai_greedy", artifacts]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, input=json.dumps(asked))
    if done.returncode != 0:
        raise SystemExit(f"onnxruntime-genai failed:\n{done.stderr[-2000:]}")
    answers: list[list[int]] = json.loads(done.stdout.strip().splitlines()[-1])
    return answers


if __name__ == "__main__":
    sys.exit(main())
