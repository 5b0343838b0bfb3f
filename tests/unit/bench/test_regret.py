"""How a choice is priced: by hand, on a table of three measured variants."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.regret import Case, by_rounds, cases, measured_cost, priced_case, summary, tasks
from edgeslm.profiler.aim import Aim, Limits

MODEL, CONTEXT = "m", 2048
SHORT, LONG = tasks(CONTEXT)


def figures(peak_mb: float, decode_tps: float, first_s: float) -> dict[str, float]:
    found = {"peak_rss_mb": peak_mb}
    for task in (SHORT, LONG):
        found |= {f"first_token_{task.prompt}_s": first_s, f"decode_{task.prompt}_tps": decode_tps}
    return found


SEEN = {
    "m_small_onnx_2k": figures(100, 10, 1.0),
    "m_quick_onnx_2k": figures(200, 20, 1.0),
    "m_other_onnx_1k": figures(10, 999, 0.1),  # of another context, which no case may choose
}


def case(budget_mb: float, aim: Aim | None = None) -> Case:
    wanted = aim or Aim("decode")
    return Case(MODEL, CONTEXT, replace(wanted, limits=Limits(memory_bytes=budget_mb * 1e6)))


@pytest.mark.parametrize(
    ("chosen", "budget_mb", "regret", "broke"),
    [
        ("m_quick_onnx_2k", 300, 0.0, False),
        ("m_small_onnx_2k", 300, 1.0, False),  # half as fast as the best
        ("m_small_onnx_2k", 150, 0.0, False),
        ("m_quick_onnx_2k", 150, -0.5, True),
        (None, 50, 0.0, False),  # nothing fits, and nothing was chosen
        (None, 300, None, False),  # refused
    ],
)
def test_a_choice_costs_what_it_takes_more_than_the_best_that_fits(
    chosen: str | None, budget_mb: float, regret: float | None, broke: bool
) -> None:
    priced = priced_case(case(budget_mb), chosen, SEEN)
    assert (priced.regret, priced.broke_budget) == (regret, broke)


def test_a_task_costs_its_first_token_and_its_further_ones() -> None:
    assert measured_cost(SEEN["m_small_onnx_2k"], case(1, Aim("speed", LONG))) == pytest.approx(1.0 + 31 / 10)
    assert measured_cost(SEEN["m_small_onnx_2k"], case(1, Aim("memory"))) == 100e6


def test_a_summary_counts_what_went_wrong() -> None:
    plans = [("m_quick_onnx_2k", 300), ("m_small_onnx_2k", 300), ("m_quick_onnx_2k", 150), (None, 300)]
    priced = [priced_case(case(budget), chosen, SEEN) for chosen, budget in plans]
    found = summary(priced)
    assert (found["cases"], found["broken"], found["refused"], found["within_5_percent"]) == (4, 1, 1, 25)
    assert found["worst_regret"] == pytest.approx(100)


def test_what_one_round_would_choose_is_priced_on_the_others() -> None:
    def rounds(*speeds: float) -> dict[str, list[dict[str, float]]]:
        return {"rounds": [figures(100, speed, 1.0) for speed in speeds]}

    sides = {"m_steady_onnx_2k": rounds(10, 10, 10), "m_lucky_onnx_2k": rounds(15, 5, 5)}
    regrets = [one.regret for (one,) in by_rounds([case(300)], sides)]
    assert regrets == [1.0, 0.0, 0.0]  # the lucky moment of one round is worth half as much in the others


def test_two_models_make_more_than_two_hundred_cases() -> None:
    sizes = {"a": 1, "b": 9}
    contexts = ("256", "1k", "2k")
    seen = {f"m_{name}_onnx_{tokens}": figures(sizes[name], 1, 1) for tokens in contexts for name in sizes}
    found = cases(MODEL, seen)
    assert len(found) >= 100
    assert len(set(found)) == len(found)
