"""The desk decides what to do with a command: answer at once, queue, refuse, or repeat what was said before.

It remembers the last commands by id, so that a command delivered twice is worked on once.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeslm_agent.contract.command import Result

if TYPE_CHECKING:
    from collections.abc import Collection

    from edgeslm_agent.contract.command import Command
    from edgeslm_agent.contract.status import ModelState

REMEMBERED = 256
# Answers are repeated to a sender that asks again, within these bounds; an agent must stay small.
_KEPT_TEXT_BYTES = 256 * 1024
ALWAYS_SERVED = ("measure", "ping")  # of every model, beside what it is for
NEED_A_PROMPT = ("generate", "embed", "classify")


@dataclass(frozen=True)
class Verdict:
    """What to publish now, and whether the command goes to the worker."""

    result: Result
    work: bool = False


class Desk:
    """Admission of commands. `queue` is how many may wait behind the one being worked on."""

    def __init__(self, queue: int) -> None:
        self._queue = queue
        self._known: OrderedDict[str, Result] = OrderedDict()  # the latest result said about each id
        self._kept = 0

    @property
    def open(self) -> tuple[str, ...]:
        """Ids accepted and not yet finished."""
        return tuple(identity for identity, result in self._known.items() if result.state == "accepted")

    def take(
        self, command: Command, model: ModelState, problem: str = "", purpose: Collection[str] = ("generate",)
    ) -> Verdict:
        """Decide about one command; `purpose` are the operations the model is for, `problem` says why it failed."""
        known = self._known.get(command.id)
        if known is not None:
            return Verdict(known)
        if command.op == "ping":
            verdict = Verdict(Result(command.id, "done"))
        elif reason := self._refusal(command, model, problem, purpose):
            verdict = Verdict(Result(command.id, "failed", error=reason))
        else:
            verdict = Verdict(Result(command.id, "accepted"), work=True)
        self.say(verdict.result)
        return verdict

    def say(self, result: Result) -> None:
        """Remember the latest result of an id, and forget the oldest finished ones beyond the bounds."""
        before = self._known.pop(result.id, None)
        self._kept += _size(result) - (_size(before) if before else 0)
        self._known[result.id] = result
        for identity in [name for name, old in self._known.items() if old.state != "accepted" and name != result.id]:
            if len(self._known) <= REMEMBERED and self._kept <= _KEPT_TEXT_BYTES:
                break
            self._kept -= _size(self._known.pop(identity))

    def _refusal(self, command: Command, model: ModelState, problem: str, purpose: Collection[str]) -> str:
        if command.op not in {*purpose, *ALWAYS_SERVED} or model == "none":
            thing = "this agent, which runs without a model" if model == "none" else "this model"
            return f"{command.op} is not supported by {thing}"
        if model == "failed":
            return f"the model failed to load: {problem}"[:500]
        if command.op in NEED_A_PROMPT and not command.prompt:
            return f"{command.op} needs a prompt"
        if len(self.open) > self._queue:
            return f"busy: {self._queue} requests are waiting already"
        return ""


def _size(result: Result) -> int:
    return len(result.text or "") + 8 * len(result.embedding)
