from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeslm.profiler.there import APART, FAR, There, doubts, there_from
from support.plans import plan_for

ESTIMATE = plan_for("raspberry-pi-5", recipes=["wi4b32-afp32"]).candidates[0].estimate
SOUND = {
    "prompt_tokens": 128.0,
    "prefill_tps": ESTIMATE.prefill_tps.value,
    "first_token_s": 128 / ESTIMATE.prefill_tps.value,
    "decode_tps": ESTIMATE.decode_tps.value,
    "load_s": 1.0,
}


def test_figures_as_expected_raise_no_doubt() -> None:
    assert doubts(SOUND, 2048, ESTIMATE) == ()
    assert doubts(SOUND, 2048, None) == ()


@pytest.mark.parametrize("name", ["first_token_s", "prefill_tps", "decode_tps", "prompt_tokens"])
@pytest.mark.parametrize("value", [None, 0.0, -3.0, float("inf"), float("nan")])
def test_a_figure_that_is_missing_or_cannot_be_is_doubted(name: str, value: float | None) -> None:
    figures = {key: figure for key, figure in {**SOUND, name: value}.items() if figure is not None}
    (doubt,) = doubts(figures, 2048, ESTIMATE)
    assert name in doubt


def test_a_first_token_faster_than_its_prompt_is_doubted() -> None:
    (doubt,) = doubts({**SOUND, "first_token_s": SOUND["first_token_s"] / (2.1 * APART)}, 2048, ESTIMATE)
    assert "does not go with reading" in doubt


def test_a_speed_beyond_anything_expected_is_doubted() -> None:
    lie = ESTIMATE.decode_tps.high * FAR * 1.1
    (doubt,) = doubts({**SOUND, "decode_tps": lie}, 2048, ESTIMATE)
    assert "far from anything expected" in doubt
    assert doubts({**SOUND, "decode_tps": lie}, 2048, None) == ()


def test_a_prompt_of_another_length_does_not_compare() -> None:
    (doubt,) = doubts({**SOUND, "prompt_tokens": 8, "first_token_s": 8 / SOUND["prefill_tps"]}, 2048, ESTIMATE)
    assert "instead of 128" in doubt
    short = {**SOUND, "prompt_tokens": 32, "first_token_s": 32 / SOUND["prefill_tps"]}
    assert doubts(short, 64, ESTIMATE) == ()


@given(
    st.dictionaries(st.sampled_from(list(SOUND)), st.floats(allow_nan=False, allow_infinity=False), max_size=5),
    st.none() | st.just("raspberry-pi-5"),
    st.lists(st.text(), max_size=3),
)
def test_what_is_written_is_read_again(figures: dict[str, float], profile: str | None, doubted: list[str]) -> None:
    there = There("lab/pi", "ab" * 32, profile, "onnxruntime 1.20.1", figures, tuple(doubted))
    assert there_from(there.document()) == there


def test_evidence_of_strangers_is_read_leniently() -> None:
    assert there_from({"on": "lab/pi", "decode_tps": "fast"}) == replace(There("lab/pi", "", None, "", {}), figures={})
