"""The child process of a probe: `python -m edgeslm.profiler.probe.worker FORMAT RECIPE SECONDS FOLDER THREADS... `.

In FOLDER, an empty one of its parent's, it converts one graph after the other into the form, times passes and prints
each as a JSON object on a line of its own, most telling first, until its seconds are over: all graphs with the first
number of threads, then all with the next. A runtime that dies takes this process with it and nothing else. It ends
when its standard input does, so it cannot outlive its parent.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from edgeslm.profiler.probe.graphs import CONTEXT, DEEP, GRAPHS, LARGE, Graph, sized, write_checkpoint
from edgeslm.profiler.probe.record import Row
from edgeslm_agent.engine.runtime.litert import LitertRuntime
from edgeslm_agent.engine.runtime.onnx import OnnxRuntime
from edgeslm_agent.engine.sampling import greedy
from edgeslm_agent.host import read_host
from edgeslm_agent.host.caches import last_cache_bytes
from edgeslm_exporters.checkpoint import open_checkpoint
from edgeslm_exporters.export import Artifact, convert
from edgeslm_exporters.recipe import parse_recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from edgeslm_agent.engine.runtime.port import Runtime

# (tokens read at once, tokens before them), the most telling first; `deep` is there for what beginning a layer costs,
# `large`, whose passes are long, for what reading memory does
PASSES = ((1, 16), (128, 0), (1, 800), (32, 0), (128, 768), (8, 0))
FEWER_PASSES = {DEEP.name: ((1, 16), (32, 0)), LARGE.name: ((1, 16), (128, 0), (32, 0))}
REPEATS, LEAST_REPEATS, ENOUGH_S = 100, 3, 0.06  # of a pass
LONG_S = 0.3  # a pass this long is timed once: somebody else's work comes and goes meanwhile


def main(form: str, recipe: str, seconds: float, folder: Path, threads: Sequence[int]) -> None:
    """Time one form."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    deadline = time.monotonic() + seconds
    memory, cache = read_host().memory_available, last_cache_bytes()
    made: dict[str, tuple[Graph, Artifact]] = {}
    for count in threads:
        for name, graph in GRAPHS.items():
            if time.monotonic() > deadline:
                return
            if name not in made:
                wanted = sized(graph, min(parse_recipe(recipe).bits), cache, memory)
                made[name] = wanted, _converted(wanted, form, recipe, folder / name)
            _time_graph(*made[name], count, deadline, folder / name)


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


def _converted(graph: Graph, form: str, recipe: str, place: Path) -> Artifact:
    source, out = place / "source", place / "out"
    source.mkdir(parents=True)
    out.mkdir()
    write_checkpoint(graph, source)
    return convert(open_checkpoint(str(source)), parse_recipe(recipe), CONTEXT, out, form=form)


def _time_graph(graph: Graph, artifact: Artifact, threads: int, deadline: float, place: Path) -> None:
    runtime = _opened(artifact, place / "out", threads)
    try:
        for rows, past, seconds, spread in _swept(runtime, FEWER_PASSES.get(graph.name, PASSES), graph.vocab, deadline):
            what = graph.name, graph.layers, artifact.layout.format, artifact.recipe.name, threads
            row = Row(*what, rows, past, seconds, spread)
            print(json.dumps(asdict(row)), flush=True)  # noqa: T201 - this process talks to its parent
    finally:
        runtime.close()


def _swept(
    runtime: Runtime, passes: Sequence[tuple[int, int]], vocab: int, deadline: float
) -> Iterator[tuple[int, int, float, float]]:
    """Time the passes until the deadline; yield tokens at once, tokens before them, seconds, and their spread.

    The first is timed though it is late: a graph that took seconds to make is not made for nothing. LiteRT reads the
    last token of a chunk in a step, which is taken off: the step as deep as the chunk.
    """
    steps: dict[int, float] = {}
    for number, (rows, past) in enumerate(passes):
        if number and time.monotonic() > deadline:
            return
        seconds, spread = timed(_pass(runtime, rows, past, vocab))
        if rows == 1:
            steps[past] = seconds
        elif isinstance(runtime, LitertRuntime):
            step = steps[min(steps, key=lambda deep: abs(deep - past))]
            seconds -= step
            if seconds < step / 4:  # somebody else was busy during one of both
                continue
        yield rows, past, seconds, round(spread, 4)


def _opened(artifact: Artifact, out: Path, threads: int) -> Runtime:
    graph, shape = out / artifact.files[0].path, artifact.decoder
    runtime: Runtime
    if artifact.layout.format == "tflite":
        runtime = LitertRuntime(graph, shape, min_version="0", threads=threads, prefill_rows=128, score_rows=1)
    else:
        runtime = OnnxRuntime(graph, shape, min_version="0", threads=threads, prefill_rows=512, score_rows=1)
    runtime.settle()
    return runtime


def _pass(runtime: Runtime, rows: int, past: int, vocab: int) -> Callable[[], object]:
    """Return a call that runs the pass, with a cache whose pages are there: a step, or a chunk (LiteRT: and a step)."""
    chunk = rows + isinstance(runtime, LitertRuntime)
    ids = [7919 * (place + 1) % vocab for place in range(max(past, chunk))]
    if past:
        runtime.prefill(ids[:past], 0)
    if rows == 1:
        return lambda: greedy(runtime.step(ids[0], past))
    return lambda: runtime.prefill(ids[:chunk], past)


def timed(call: Callable[[], object]) -> tuple[float, float]:
    """Return the median seconds of a call and the relative distance between its quartiles; the first call warms up."""
    call()
    taken: list[float] = []
    while _too_few(taken):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    low, middle, high = statistics.quantiles(taken, n=4, method="inclusive") if len(taken) > 1 else taken * 3
    return middle, (high - low) / middle


def _too_few(taken: Sequence[float]) -> bool:
    """Return whether to time a pass again: until its middle is known, and a long one once."""
    spent, count = sum(taken), len(taken)
    return (count < LEAST_REPEATS and spent < LONG_S) or (count < REPEATS and spent < ENOUGH_S)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), Path(sys.argv[4]), [int(word) for word in sys.argv[5:]])
