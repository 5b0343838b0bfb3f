from __future__ import annotations

from edgeslm_agent.telemetry.recent import REMEMBERED, RecentAnswers


def test_no_answer_no_figures() -> None:
    assert RecentAnswers().figures() == {}


def test_one_odd_answer_does_not_move_the_figure() -> None:
    recent = RecentAnswers()
    for speed in (100.0, 102.0, 3.0, 101.0, 99.0):
        recent.take({"decode_tps": speed, "completion_tokens": 7.0})
    assert recent.figures() == {"decode_tps": 100.0}


def test_what_is_long_ago_is_forgotten() -> None:
    recent = RecentAnswers()
    for _ in range(50):
        recent.take({"first_token_s": 9.0})
    for _ in range(REMEMBERED):
        recent.take({"first_token_s": 0.1, "prefill_tps": 50.0})
    assert recent.figures() == {"first_token_s": 0.1, "prefill_tps": 50.0}
