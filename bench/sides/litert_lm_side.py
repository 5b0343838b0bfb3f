"""LiteRT-LM beside us: prefill, decode and peak memory of one .litertlm file on the CPU.

Runs in the peer's environment: `python -m bench.sides.litert_lm_side MODEL.litertlm WARM_UP`. It keeps its packed
weights beside the model, as it does by default: only the very first process packs them.
"""

from __future__ import annotations

import sys

import litert_lm

from bench.sides.gauge import DECODE_TOKENS, THREADS, Gauge, peak_rss_mb, prompt


def main(path: str, warm_up: int) -> None:
    """Measure one model and report."""
    litert_lm.set_min_log_severity(litert_lm.LogSeverity.ERROR)
    gauge = Gauge()
    cpu = litert_lm.Backend.CPU(thread_count=THREADS)
    engine = litert_lm.Engine(path, backend=cpu, enable_benchmark=True)
    gauge.figures["load_s"] = gauge.lap()

    _answer(engine, warm_up, 5)
    answer = _answer(engine, 128, DECODE_TOKENS + 1)
    gauge.figures["prefill_128_tps"] = 128 / answer.time_to_first_token_in_second
    gauge.figures["decode_tps"] = answer.last_decode_tokens_per_second
    gauge.figures["peak_rss_mb"] = peak_rss_mb()
    gauge.figures["prefill_512_tps"] = 512 / _answer(engine, 512, 1).time_to_first_token_in_second
    gauge.figures["peak_rss_512_mb"] = peak_rss_mb()
    gauge.report()


def _answer(engine: litert_lm.Engine, length: int, tokens: int) -> litert_lm.BenchmarkInfo:
    """Read a prompt, choose `tokens`, and return what LiteRT-LM itself measured of it."""
    text = " ".join(f"w{token}" for token in prompt(length))  # the bench's tokenizer has a word for each id
    greedy = litert_lm.SamplerConfig(top_k=1)
    session = engine.create_session(apply_prompt_template=False, sampler_config=greedy, max_output_tokens=tokens)
    session.run_prefill([text])
    session.run_decode()
    found = session.get_benchmark_info()
    if (found.last_prefill_token_count, found.last_decode_token_count) != (length, tokens):
        raise SystemExit(f"LiteRT-LM read and chose other numbers of tokens than asked for: {found}")
    return found


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
