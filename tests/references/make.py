"""Remake the references with torch and transformers, in an environment of their own (`make references`).

For every case of support/cases/, and for the built-in model: build the checkpoint, load it with transformers, take the
logits of a fixed prompt and a greedy continuation. For every published configuration: count the parameters of the model
that transformers makes of it. `--check` compares all of it with what is committed and names every model that differs;
`--write` replaces the committed files; `--seed` finds the first seed with which each named case is fit for a reference.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from references.chats import settle_chats, settle_tokenizers  # needs the path above
from references.oracle import (
    DisagreementError,
    answer,
    chat_prompts,
    count_parameters,
    load,
    versions,
)
from support.checkpoints import CASES, build_checkpoint, random_weights, weights_digest
from support.published import PUBLISHED, published
from support.references import HOME, HOME_PROMPTS, Reference, read_reference, write_reference

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.checkpoints import Case

    Subject = Callable[[bool], str]  # whether to write -> what to say of it

TOLERANCE = 1e-4  # max-abs between two machines' float32 logits of the same checkpoint; seen: below 1e-5
CASE_MARGIN = 1e-2  # a random case whose greedy choice is closer than this would flip on rounding
CASE_VARIETY = 8  # a continuation of fewer different tokens would prove little about the cache
CASE_STRIDE = 4  # the logits of every fourth position are kept: a mistake shows at any of them
MOST_SEEDS = 10_000


def main() -> int:
    """Check or write every reference, or find seeds; return 1 when one failed."""
    parser = argparse.ArgumentParser(description="Remake the references with torch and transformers.")
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--check", action="store_true", help="compare with the committed files")
    mode.add_argument("--write", action="store_true", help="replace the committed files")
    mode.add_argument("--seed", action="store_true", help="find the first seed that serves, for each named case")
    parser.add_argument("names", nargs="*", help="only these models")
    options = parser.parse_args()
    subjects = _seed_searches() if options.seed else _subjects()
    wanted = [name for name in subjects if name in (options.names or subjects)]
    failed = [name for name in wanted if not _passes(name, partial(subjects[name], options.write))]
    _say(f"{len(wanted) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed or not wanted else 0


def _subjects() -> dict[str, Subject]:
    logits = {case.name: partial(_settle_logits, partial(case_reference, case)) for case in CASES}
    counts = {f"published/{name}": partial(_settle_count, name) for name in published()}
    texts: dict[str, Subject] = {"chats": settle_chats, "tokenizers": settle_tokenizers}
    return {**logits, "home": partial(_settle_logits, home_reference), **counts, **texts}


def _seed_searches() -> dict[str, Subject]:
    return {case.name: partial(_first_seed, case) for case in CASES}


def _passes(name: str, settle: Callable[[], str]) -> bool:
    try:
        story = settle()
    except (DisagreementError, OSError, ValueError, Warning) as error:
        _say(f"FAILED {name}: {error}")
        return False
    _say(f"ok {name}: {story}")
    return True


def _settle_logits(make: Callable[[], Reference], write: bool) -> str:  # a Subject
    fresh = make()
    return f"{write_reference(fresh).stat().st_size} bytes" if write else compare(read_reference(fresh.name), fresh)


def compare(committed: Reference, fresh: Reference) -> str:
    """Return how close two references are; raises DisagreementError when that is not close enough."""
    if committed.weights != fresh.weights:
        raise DisagreementError("the weights are not those the reference was made from; run make.py --write")
    worst = 0.0
    for old, new in zip(committed.answers, fresh.answers, strict=True):
        if (old.prompt, old.positions) != (new.prompt, new.positions):
            raise DisagreementError("the prompt changed; run make.py --write")
        worst = max(worst, float(np.abs(old.logits - new.logits).max()))
        if old.greedy != new.greedy:
            raise DisagreementError(f"the greedy continuation of {old.prompt[:4]}... changed")
    if not worst <= TOLERANCE:
        raise DisagreementError(f"logits differ by {worst:.2e}, allowed {TOLERANCE:.0e}")
    return f"logits within {worst:.1e}, greedy tokens equal"


def case_reference(case: Case) -> Reference:
    """Compute the logits along the case's prompt, and its continuation.

    Raises DisagreementError for a seed whose continuation is close to another or says the same few tokens.
    """
    with tempfile.TemporaryDirectory() as folder:
        forward = load(build_checkpoint(case, Path(folder)))
        made = answer(forward, case.prompt(), stride=CASE_STRIDE, least_margin=CASE_MARGIN)
    if len(set(made.greedy)) < CASE_VARIETY:
        raise DisagreementError(f"the answer has {len(set(made.greedy))} different tokens: take another seed")
    return Reference(case.name, weights_digest(random_weights(case)), versions(), (made,))


def home_reference() -> Reference:
    """Compute the built-in model's logits after four prompts in its chat format, and what it answers greedily."""
    if not (HOME / "model.safetensors").is_file():
        raise DisagreementError("edgeslm/builtin/home holds no weights; run `make train-home`")
    forward = load(HOME)
    end = json.loads((HOME / "config.json").read_text(encoding="utf-8"))["eos_token_id"]
    answers = tuple(answer(forward, prompt, stride=len(prompt), end=end) for prompt in chat_prompts(HOME, HOME_PROMPTS))
    digest = hashlib.sha256((HOME / "model.safetensors").read_bytes()).hexdigest()
    return Reference("home", digest, versions(), answers)


def _settle_count(name: str, write: bool) -> str:  # a Subject
    """Count what transformers makes of a published configuration; write or compare the count."""
    model = published()[name]
    counted = count_parameters(model.config)
    if write:
        replace(model, parameters=counted).write(PUBLISHED)
    elif counted != model.parameters:
        raise DisagreementError(f"{counted} parameters, committed {model.parameters}; run make.py --write")
    return f"{counted} parameters"


def _first_seed(case: Case, _write: bool) -> str:  # a Subject
    for seed in range(MOST_SEEDS):
        try:
            margin = case_reference(replace(case, seed=seed)).answers[0].margin
        except DisagreementError as error:
            if "another seed" not in str(error):
                raise
            continue
        return f"seed {seed}, top-1 margin {margin:.1e}"
    raise DisagreementError(f"no seed below {MOST_SEEDS} serves")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
