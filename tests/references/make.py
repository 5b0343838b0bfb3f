"""Remake the reference logits with torch and transformers, in an environment of their own (`make references`).

For every case of support/checkpoints.py, and for the built-in model: build the checkpoint, load it with transformers in
float32 with eager attention, take the logits of a fixed prompt and a greedy continuation. `--check` compares them with
what is committed and names every model that differs; `--write` replaces the committed files.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import json
import sys
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS))

import torch  # noqa: E402  # the path above must be set before our own imports, and isort keeps them together
from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: E402
from transformers.utils import logging as transformers_logging  # noqa: E402

from support.checkpoints import CASES, GREEDY_TOKENS, build_checkpoint, random_weights, weights_digest  # noqa: E402
from support.references import HOME, HOME_PROMPTS, Answer, Reference, read_reference, write_reference  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from support.checkpoints import Case

    Forward = Callable[[Sequence[int]], NDArray[np.float32]]  # token ids -> logits [len, vocab]

TOLERANCE = 1e-4  # max-abs between two machines' float32 logits of the same checkpoint; seen: below 1e-5
CASE_MARGIN = 1e-2  # a random case whose greedy choice is closer than this would flip on rounding: take another seed


class DisagreementError(Exception):
    """The committed reference and a fresh one differ, or transformers did not load the checkpoint whole."""


def main() -> int:
    """Check or write every reference; return 1 when one failed."""
    parser = argparse.ArgumentParser(description="Remake the reference logits with torch and transformers.")
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--check", action="store_true", help="compare with the committed files")
    mode.add_argument("--write", action="store_true", help="replace the committed files")
    parser.add_argument("names", nargs="*", help="only these models")
    options = parser.parse_args()
    transformers_logging.disable_progress_bar()
    wanted = {name: make for name, make in _makers().items() if name in (options.names or _makers())}
    failed = [name for name, make in wanted.items() if not _passes(name, make, write=options.write)]
    _say(f"{len(wanted) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed or not wanted else 0


def _makers() -> dict[str, Callable[[], Reference]]:
    return {**{case.name: _of_case(case) for case in CASES}, "home": home_reference}


def _of_case(case: Case) -> Callable[[], Reference]:
    return lambda: case_reference(case)


def _passes(name: str, make: Callable[[], Reference], *, write: bool) -> bool:
    try:
        fresh = make()
        story = f"{write_reference(fresh).stat().st_size} bytes" if write else compare(read_reference(name), fresh)
    except (DisagreementError, OSError, ValueError, Warning) as error:
        _say(f"FAILED {name}: {error}")
        return False
    _say(f"ok {name}: {story}")
    return True


def compare(committed: Reference, fresh: Reference) -> str:
    """Return how close two references are; raises DisagreementError when that is not close enough."""
    if committed.weights != fresh.weights:
        raise DisagreementError("the weights are not those the reference was made from; run make.py --write")
    worst = 0.0
    for old, new in zip(committed.answers, fresh.answers, strict=True):
        if old.prompt != new.prompt:
            raise DisagreementError("the prompt changed; run make.py --write")
        worst = max(worst, float(np.abs(old.logits - new.logits).max()))
        if old.greedy != new.greedy:
            raise DisagreementError(f"the greedy continuation of {old.prompt[:4]}... changed")
    if not worst <= TOLERANCE:
        raise DisagreementError(f"logits differ by {worst:.2e}, allowed {TOLERANCE:.0e}")
    return f"logits within {worst:.1e}, greedy tokens equal"


def case_reference(case: Case) -> Reference:
    """Compute the logits at every position of the case's prompt, and its continuation."""
    with tempfile.TemporaryDirectory() as folder:
        model = _load(build_checkpoint(case, Path(folder)))
        answer = _answer(model, case.prompt(), rows=len(case.prompt()))
    if answer.margin < CASE_MARGIN:
        raise DisagreementError(f"top-1 margin {answer.margin:.1e} is below {CASE_MARGIN:.0e}: choose another seed")
    return Reference(case.name, weights_digest(random_weights(case)), _versions(), (answer,))


def home_reference() -> Reference:
    """Compute the built-in model's logits after four prompts in its chat format, and what it answers greedily."""
    if not (HOME / "model.safetensors").is_file():
        raise DisagreementError("edgeslm/builtin/home holds no weights; run `make train-home`")
    forward = _load(HOME)
    end = json.loads((HOME / "config.json").read_text(encoding="utf-8"))["eos_token_id"]
    answers = tuple(_answer(forward, prompt, rows=1, end=end) for prompt in _home_prompts())
    digest = hashlib.sha256((HOME / "model.safetensors").read_bytes()).hexdigest()
    return Reference("home", digest, _versions(), answers)


def _home_prompts() -> list[list[int]]:
    tokenizer = AutoTokenizer.from_pretrained(HOME)
    chats = [[{"role": "user", "content": text}] for text in HOME_PROMPTS]
    rendered = [tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False) for chat in chats]
    return [list(map(int, tokenizer(text, add_special_tokens=False)["input_ids"])) for text in rendered]


def _load(folder: Path) -> Forward:
    """Load a checkpoint in float32; every warning and every key too many or too few is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model, loading = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
        )
    problems = {kind: sorted(map(str, names)) for kind, names in loading.items() if names}
    if problems:
        raise DisagreementError(f"transformers reports {problems}")
    model.eval()

    def forward(tokens: Sequence[int]) -> NDArray[np.float32]:
        with torch.inference_mode():  # without a cache: slower, and the plainest oracle
            return np.asarray(model(torch.tensor([tokens]), use_cache=False).logits[0].numpy(), np.float32)

    return forward


def _answer(forward: Forward, prompt: Sequence[int], *, rows: int, end: int | None = None) -> Answer:
    """Return the logits at the last `rows` positions of the prompt and what follows, up to GREEDY_TOKENS or `end`."""
    tokens = list(prompt)
    margins: list[float] = []
    while len(margins) < GREEDY_TOKENS and tokens[-1] != end:
        last = forward(tokens)[-1]
        second, best = np.argpartition(last, -2)[-2:]
        tokens.append(int(best))
        margins.append(float(last[best] - last[second]))
    return Answer(tuple(prompt), forward(prompt)[-rows:].copy(), tuple(tokens[len(prompt) :]), min(margins))


def _versions() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in ("torch", "transformers", "numpy")}


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
