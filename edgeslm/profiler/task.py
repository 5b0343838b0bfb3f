"""A task: so many tokens of prompt, so many of answer. What a speed, a first token and an energy are stated for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgeslm_agent.engine.workload import NEW_TOKENS, PROMPT_TOKENS
from edgeslm_agent.errors import UsageError

MOST_TOKENS = 10_000_000
_HINT = "write it as --task prompt=500,answer=60"
_PART = re.compile(r"\s*(?P<name>[a-z]+)\s*=\s*(?P<count>-?\d+)\s*")


@dataclass(frozen=True)
class Task:
    """One answer: tokens of its prompt, and tokens it writes.

    Raises UsageError for a length below 1 or beyond any model's.
    """

    prompt: int
    answer: int

    def __post_init__(self) -> None:
        """Check both lengths."""
        for name, count in (("prompt", self.prompt), ("answer", self.answer)):
            if not 1 <= count <= MOST_TOKENS:
                raise UsageError(f"a task cannot have a {name} of {count} tokens", _HINT)

    def __str__(self) -> str:
        """Return it as `parse_task` reads it."""
        return f"prompt={self.prompt},answer={self.answer}"

    @property
    def tokens(self) -> int:
        """Tokens of both, which the context must hold."""
        return self.prompt + self.answer


USUAL = Task(PROMPT_TOKENS, NEW_TOKENS)  # what measurements are taken with


def usual_task(context: int) -> Task:
    """Return the task that figures are for when none is named; its prompt fills half a short context at most."""
    return Task(max(1, min(USUAL.prompt, context // 2)), USUAL.answer)


def parse_task(text: str) -> Task:
    """Read `prompt=500,answer=60`, in any order.

    Raises UsageError when a part is missing, named twice, unknown, or no number of tokens.
    """
    found: dict[str, int] = {}
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise UsageError(f"'{part.strip()}' is not a part of a task", _HINT)
        name = match["name"]
        if name not in ("prompt", "answer") or name in found:
            problem = "twice" if name in found else "unknown"
            raise UsageError(f"--task {text}: '{name}' is {problem}", _HINT)
        found[name] = int(match["count"])
    if missing := [name for name in ("prompt", "answer") if name not in found]:
        raise UsageError(f"--task {text} has no {missing[0]}", _HINT)
    return Task(found["prompt"], found["answer"])
