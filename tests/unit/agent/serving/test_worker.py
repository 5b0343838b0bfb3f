"""The worker: every way a model or a request can go wrong becomes a report."""

from __future__ import annotations

import queue
import time
from typing import TYPE_CHECKING

from edgeslm_agent.contract.command import Command
from edgeslm_agent.errors import Corrupt, Incompatible
from edgeslm_agent.serving.responder import Answer, Echo
from edgeslm_agent.serving.worker import Finished, Job, ModelFailed, ModelReady, Report, Worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgeslm_agent.serving.responder import Responder


class Moody(Echo):
    """Fails by the prompt's wish."""

    def answer(self, prompt: str, max_tokens: int | None) -> Answer:
        if prompt == "bug":
            raise ZeroDivisionError("oops")
        if prompt == "long":
            raise Incompatible("900 tokens do not fit", "shorten the text")
        if prompt == "memory":
            raise MemoryError
        return super().answer(prompt, max_tokens)


def reports(load: Callable[[], Responder], *jobs: Job) -> list[Report]:
    found: queue.Queue[Report] = queue.Queue()
    worker = Worker(load, found.put)
    worker.start()
    for job in jobs:
        worker.submit(job)
    worker.stop(20.0)
    return [found.get_nowait() for _ in range(found.qsize())]


def job(identity: str, prompt: str, ttl_s: float = 60.0) -> Job:
    return Job(Command(identity, "generate", prompt, ttl_s=ttl_s), time.monotonic())


def test_requests_are_answered_in_order_with_their_waiting_time() -> None:
    ready, first, second = reports(Echo, job("1", "a b"), job("2", "c"))
    assert isinstance(ready, ModelReady)
    assert isinstance(first, Finished)
    assert (first.result.state, first.result.text) == ("done", "a b")
    assert first.result.figures["queue_s"] >= 0.0
    assert isinstance(second, Finished)
    assert second.result.text == "c"


def test_measure_gives_figures_and_no_text() -> None:
    _, measured = reports(Echo, Job(Command("1", "measure"), time.monotonic()))
    assert isinstance(measured, Finished)
    assert measured.result.text is None
    assert measured.result.figures["decode_tps"] == 100.0


def test_bad_requests_fail_and_the_next_is_answered() -> None:
    _, long, bug, memory, good = reports(Moody, job("1", "long"), job("2", "bug"), job("3", "memory"), job("4", "fine"))
    assert isinstance(long, Finished)
    assert long.result.error == "900 tokens do not fit (shorten the text)"
    assert long.kind == "Incompatible"
    assert isinstance(bug, Finished)
    assert bug.result.error == "ZeroDivisionError: oops"
    assert isinstance(memory, Finished)
    assert memory.result.state == "failed"
    assert isinstance(good, Finished)
    assert good.result.state == "done"


def test_request_that_waited_too_long_is_expired() -> None:
    _, expired = reports(Echo, Job(Command("1", "generate", "x", ttl_s=0.5), time.monotonic() - 1.0))
    assert isinstance(expired, Finished)
    assert (expired.result.state, expired.kind) == ("failed", "expired")
    assert "expired" in (expired.result.error or "")


def test_model_that_does_not_load_is_reported_with_its_hint() -> None:
    def corrupt() -> Responder:
        raise Corrupt("artifacts/model.onnx changed", "export the bundle again")

    def absurd() -> Responder:
        raise ValueError("what")

    assert reports(corrupt, job("1", "x")) == [ModelFailed("artifacts/model.onnx changed (export the bundle again)")]
    assert reports(absurd) == [ModelFailed("ValueError: what")]
