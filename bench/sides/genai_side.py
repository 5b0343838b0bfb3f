"""onnxruntime-genai beside us: prefill, decode and peak memory of its own int4 export under its own runtime.

Runs in the peer's environment: `python -m bench.sides.genai_side FOLDER`.
"""

from __future__ import annotations

import json
import sys

import onnxruntime_genai as genai

from bench.sides.gauge import CONTEXT, DECODE_TOKENS, THREADS, WARM_UP, Gauge, peak_rss_mb, prompt


def main(folder: str) -> None:
    """Measure one model and report."""
    gauge = Gauge()
    settings = genai.Config(folder)
    settings.overlay(json.dumps({"model": {"decoder": {"session_options": {"intra_op_num_threads": THREADS}}}}))
    model = genai.Model(settings)
    gauge.figures["load_s"] = gauge.lap()

    warm_up = _answering(model, WARM_UP)
    for _ in range(4):
        warm_up.generate_next_token()
    del warm_up
    gauge.lap()
    generator = _answering(model, 128)
    gauge.figures["prefill_128_tps"] = 128 / gauge.lap()
    for _ in range(DECODE_TOKENS):
        generator.generate_next_token()
    gauge.figures["decode_tps"] = DECODE_TOKENS / gauge.lap()
    gauge.figures["peak_rss_mb"] = peak_rss_mb()
    del generator
    gauge.lap()
    _answering(model, 512)
    gauge.figures["prefill_512_tps"] = 512 / gauge.lap()
    gauge.figures["peak_rss_512_mb"] = peak_rss_mb()
    gauge.report()


def _answering(model: genai.Model, length: int) -> genai.Generator:
    """Return a generator that has read a prompt of `length` and chosen the first token after it."""
    options = genai.GeneratorParams(model)
    options.set_search_options(do_sample=False, max_length=CONTEXT, min_length=CONTEXT)
    generator = genai.Generator(model, options)
    generator.append_tokens(prompt(length))
    generator.generate_next_token()
    return generator


if __name__ == "__main__":
    main(sys.argv[1])
