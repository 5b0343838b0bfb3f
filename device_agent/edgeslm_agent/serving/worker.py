"""The worker: one thread that loads the model and then answers one request at a time.

Whatever goes wrong in it becomes a report; the thread itself and the agent go on.
"""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeslm_agent.contract.command import MAX_ERROR, MAX_TEXT, Command, Result
from edgeslm_agent.errors import EdgeSLMError, Incompatible

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgeslm_agent.serving.responder import ModelFacts, Responder


@dataclass(frozen=True)
class Job:
    """A command with the monotonic moment after which nobody wants it begun."""

    command: Command
    arrived: float

    @property
    def expires(self) -> float:
        """When the command's time to live ends."""
        return self.arrived + self.command.ttl_s


@dataclass(frozen=True)
class ModelReady:
    """The model is loaded."""

    facts: ModelFacts
    load_s: float


@dataclass(frozen=True)
class ModelFailed:
    """The model cannot be loaded: what happened and what to do."""

    problem: str


@dataclass(frozen=True)
class Finished:
    """A request is answered, or failed; `kind` names the error's class, fit for an event."""

    result: Result
    kind: str = ""


Report = ModelReady | ModelFailed | Finished


class Worker:
    """Runs `load` and the responder it returns in a thread of its own, and reports through `report`."""

    def __init__(self, load: Callable[[], Responder], report: Callable[[Report], None]) -> None:
        self._load = load
        self._report = report
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()  # bounded by the desk's admission
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)

    def start(self) -> None:
        """Begin to load."""
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Queue an accepted command."""
        self._jobs.put(job)

    def stop(self, timeout_s: float) -> None:
        """Ask the thread to end after the request it works on, and wait a little."""
        self._jobs.put(None)
        self._thread.join(timeout_s)

    def _run(self) -> None:
        started = time.monotonic()
        try:
            responder = self._load()
        except EdgeSLMError as error:
            self._report(ModelFailed(f"{error.message} ({error.hint})" if error.hint else error.message))
            return
        except Exception as error:  # noqa: BLE001 - a broken model must not end the agent
            self._report(ModelFailed(f"{type(error).__name__}: {error}"))
            return
        self._report(ModelReady(responder.facts, time.monotonic() - started))
        while (job := self._jobs.get()) is not None:
            self._report(_answered(responder, job))
        responder.close()


def _answered(responder: Responder, job: Job) -> Finished:
    command = job.command
    begun = time.monotonic()
    if begun > job.expires:
        return Finished(
            Result(command.id, "failed", error=f"expired: it waited longer than {command.ttl_s:g} s"), "expired"
        )
    try:
        return Finished(_result(responder, command, begun - job.arrived))
    except EdgeSLMError as error:
        text = f"{error.message} ({error.hint})" if error.hint else error.message
        return Finished(Result(command.id, "failed", error=text[:MAX_ERROR]), type(error).__name__)
    except Exception as error:  # noqa: BLE001 - one bad request must not end the others
        return Finished(
            Result(command.id, "failed", error=f"{type(error).__name__}: {error}"[:MAX_ERROR]), type(error).__name__
        )


def _result(responder: Responder, command: Command, waited_s: float) -> Result:
    if command.op == "measure":
        return Result(command.id, "done", figures=responder.measure())
    if command.op not in responder.facts.purpose:  # accepted while nobody knew what the model was for
        raise Incompatible(f"{command.op} is not supported by this model")
    answer = responder.answer(command.prompt, command.max_tokens)
    text = None if answer.text is None else answer.text[:MAX_TEXT]
    figures = {**answer.figures, "queue_s": round(waited_s, 4)}
    return Result(command.id, "done", text, figures=figures, embedding=answer.embedding)
