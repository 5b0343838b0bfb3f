"""The decoding loop, and the watch that times it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edgeslm_agent.engine.generation import RunFigures

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from edgeslm_agent.engine.generation import StopReason
    from edgeslm_agent.engine.runtime.port import Runtime
    from edgeslm_agent.engine.sampling import Sampler


class Stopwatch:
    """When the moments of one request came (seconds of perf_counter), how many passes it took, why it stopped."""

    def __init__(self) -> None:
        self.asked = self.prefill = self.first = self.last = time.perf_counter()
        self.passes = 0
        self.stop_reason: StopReason = "length"

    def figures(self, prompt_tokens: int, completion_tokens: int) -> RunFigures:
        """Return the request's figures, once it is over."""
        return RunFigures(
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            first_token_s=self.first - self.asked,
            prefill_tps=prompt_tokens / max(self.first - self.prefill, 1e-9),
            decode_tps=self.passes / max(self.last - self.first, 1e-9) if self.passes else None,
        )


def decode(
    runtime: Runtime, prompt: Sequence[int], *, pick: Sampler, stops: Collection[int], limit: int, watch: Stopwatch
) -> Iterator[int]:
    """Yield up to `limit` tokens after `prompt`, until one of `stops` (not yielded) or the end of the context."""
    watch.prefill = time.perf_counter()
    token = pick(runtime.prefill(prompt, 0))
    watch.first = watch.last = time.perf_counter()
    past = len(prompt)
    while token not in stops:
        yield token
        if watch.passes + 1 == limit:
            watch.stop_reason = "length"
            return
        if past == runtime.context:
            watch.stop_reason = "context"
            return
        token = pick(runtime.step(token, past))
        past += 1
        watch.passes += 1
        watch.last = time.perf_counter()
    watch.stop_reason = "stop"
