"""llama.cpp beside us: prefill, decode and peak memory of one GGUF, through the C interface of llama-cpp-python.

Runs in the peer's environment: `python -m bench.sides.llama_cpp_side MODEL.gguf [WARM_UP]`. The C calls are used
directly, because the package's own `Llama` class spends time in Python that is not llama.cpp's.
"""

from __future__ import annotations

import ctypes
import sys

import llama_cpp
import numpy as np

from bench.sides.gauge import CONTEXT, DECODE_TOKENS, THREADS, VOCABULARY, WARM_UP, Gauge, peak_rss_mb, prompt


def main(path: str, warm_up: int = WARM_UP) -> None:
    """Measure one model and report."""
    silent = llama_cpp.llama_log_callback(lambda *_: None)  # named, or it is collected while C holds it
    llama_cpp.llama_log_set(silent, ctypes.c_void_p())
    gauge = Gauge()
    llama_cpp.llama_backend_init()
    model = llama_cpp.llama_model_load_from_file(path.encode(), llama_cpp.llama_model_default_params())
    settings = llama_cpp.llama_context_default_params()
    settings.n_ctx = CONTEXT
    settings.n_threads = settings.n_threads_batch = THREADS
    context = llama_cpp.llama_init_from_model(model, settings)
    gauge.figures["load_s"] = gauge.lap()

    _follow(context, prompt(warm_up), 4)
    gauge.lap()
    token = _feed(context, prompt(128), fresh=True)
    gauge.figures["prefill_128_tps"] = 128 / gauge.lap()
    for _ in range(DECODE_TOKENS):
        token = _feed(context, [token])
    gauge.figures["decode_tps"] = DECODE_TOKENS / gauge.lap()
    gauge.figures["peak_rss_mb"] = peak_rss_mb()
    _feed(context, prompt(512), fresh=True)
    gauge.figures["prefill_512_tps"] = 512 / gauge.lap()
    gauge.figures["peak_rss_512_mb"] = peak_rss_mb()
    gauge.report()


def _follow(context: object, tokens: list[int], steps: int) -> None:
    token = _feed(context, tokens, fresh=True)
    for _ in range(steps):
        token = _feed(context, [token])


def _feed(context: object, tokens: list[int], *, fresh: bool = False) -> int:
    """Run `tokens` after what the context holds (`fresh`: after nothing); return the most likely next token."""
    if fresh:
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(context), False)  # a C call
    ids = (llama_cpp.llama_token * len(tokens))(*tokens)
    if llama_cpp.llama_decode(context, llama_cpp.llama_batch_get_one(ids, len(tokens))) != 0:
        raise RuntimeError("llama_decode failed")
    logits = np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(context, -1), shape=(VOCABULARY,))
    return int(logits.argmax())


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
