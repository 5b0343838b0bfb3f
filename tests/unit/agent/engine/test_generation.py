"""Options outside their range are refused when they are made."""

from __future__ import annotations

from typing import Any

import pytest

from edgeslm_agent.engine.generation import Generation
from edgeslm_agent.errors import UsageError


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_tokens": 0},
        {"temperature": -0.1},
        {"temperature": float("nan")},
        {"temperature": float("inf")},
        {"top_k": -1},
        {"top_p": 0.0},
        {"top_p": 1.1},
        {"seed": -1},
    ],
)
def test_a_value_outside_its_range_is_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        Generation(**wrong)


def test_the_default_is_greedy() -> None:
    assert Generation().temperature == 0
