from __future__ import annotations

from dataclasses import asdict

import pytest

from edgeslm.catalog import device
from edgeslm.profiler.estimate import ANSWER_TOKENS, CHUNK, PROMPT_TOKENS, Estimate, estimate, prompt_tokens
from edgeslm.profiler.figure import Figure
from edgeslm_exporters.onnx.layout import Layout, layout
from edgeslm_exporters.recipe import parse_recipe
from support.specs import HOME, spec_named

MB = 2**20


def places(model: str, recipe: str, context: int = 2048) -> Layout:
    return layout(spec_named(model), parse_recipe(recipe), context)


def estimated(model: str, recipe: str, board: str, context: int = 2048) -> Estimate:
    return estimate(places(model, recipe, context), device(board))


def test_weights_and_cache_are_exact_and_those_of_the_layout() -> None:
    here = places("smollm2-135m-instruct", "wi4b32-afp32")
    figures = estimate(here, device("jetson-nano"))
    assert figures.weights_bytes.value == figures.weights_bytes.low == here.weights_bytes
    assert figures.kv_cache_bytes.value == figures.kv_cache_bytes.high == 2 * 30 * 3 * 64 * 2048 * 4


def test_every_figure_says_its_basis_and_board_and_lies_in_its_range() -> None:
    figures = estimate(layout(HOME, parse_recipe("wi4b32-afp32"), 256), device("rk3588"))
    for name, content in asdict(figures).items():
        if content is None:
            assert name in {"sustained_tps", "energy_j"}, "no fact says how long a speed lasts, or what it costs"
            continue
        figure = Figure(**content)
        assert (figure.basis, figure.on) == ("estimated", "rk3588"), name
        assert 0 < figure.low <= figure.value <= figure.high, name


# Published decode speeds of 4-bit files of other runtimes, and our own on x86-64 (see the profiles' sources).
@pytest.mark.parametrize(
    ("model", "board", "tokens_a_second"),
    [
        ("tinyllama-1.1b-chat", "jetson-nano", 5.18),
        ("tinyllama-1.1b-chat", "qualcomm-rb3-gen2", 15.2),
        ("smollm2-135m-instruct", "raspberry-pi-zero-2-w", 10),
        ("qwen2.5-0.5b-instruct", "raspberry-pi-4", 9.8),
        ("qwen2.5-1.5b-instruct", "raspberry-pi-5", 7.5),
        ("tinyllama-1.1b-chat", "x86-avx512-vnni-server", 48.7),
        ("smollm2-135m-instruct", "x86-avx512-vnni-server", 215),
    ],
)
def test_published_decode_speed_lies_in_the_estimated_range(model: str, board: str, tokens_a_second: float) -> None:
    decode = estimated(model, "wi4b64-afp32", board, 512).decode_tps
    assert decode.low <= tokens_a_second <= decode.high
    assert decode.value == pytest.approx(tokens_a_second, rel=0.4)


def test_datasheet_boards_have_wider_ranges_than_measured_ones() -> None:
    def width(board: str) -> float:
        figure = estimated("tinyllama-1.1b-chat", "wi4b32-afp32", board).decode_tps
        return figure.high / figure.low

    assert width("raspberry-pi-4") < width("rk3576")


def test_older_runtimes_may_keep_both_copies() -> None:
    old = estimated("smollm2-135m-instruct", "wi4b32-afp32", "raspberry-pi-zero-2-w").peak_bytes
    new = estimated("smollm2-135m-instruct", "wi4b32-afp32", "raspberry-pi-5").peak_bytes
    assert old.value == new.value
    assert old.high > new.high + 80e6


def test_fp16_is_priced_as_what_the_runtime_makes_of_it() -> None:
    half = estimated("smollm2-135m-instruct", "fp16", "raspberry-pi-5")
    full = estimated("smollm2-135m-instruct", "fp32", "raspberry-pi-5")
    assert half.weights_bytes.value < 0.51 * full.weights_bytes.value
    assert half.peak_bytes.value > 0.9 * full.peak_bytes.value
    assert half.decode_tps.value == pytest.approx(full.decode_tps.value)


@pytest.mark.parametrize(("context", "tokens"), [(2048, 128), (256, 128), (64, 32), (1, 1)])
def test_prompt_of_the_speeds_fits_the_context(context: int, tokens: int) -> None:
    assert prompt_tokens(context) == tokens


def test_estimate_speaks_of_what_measure_and_the_engine_do() -> None:
    from edgeslm_agent.engine import session, workload

    work = workload.workload(vocabulary=1000, context=2048)
    assert (len(work.prompt), work.new_tokens) == (PROMPT_TOKENS, ANSWER_TOKENS)
    assert session.PREFILL_ROWS == CHUNK
