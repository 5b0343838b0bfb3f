"""The expressions of --where: what they select, and errors that point at the place."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeslm.fleet.view import DeviceView
from edgeslm.fleet.where import Condition, Where, parse_figure, parse_where
from edgeslm_agent.contract.figures import FIGURES
from edgeslm_agent.errors import UsageError


def row(age_s: float | None = 20.0, **figures: float) -> DeviceView:
    return DeviceView(
        "home/pi-1", "online", "a1b2c3", "home", "home_wi4b32-afp32_onnx_256", "ready", "Raspberry Pi 5", None, "0.2.0",
        "b1", age_s, figures,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("temp>75", True),
        ("temp >= 76.5", True),
        ("temp<76.5", False),
        ("temp=76.5", True),
        ("temp==76.5", True),
        ("temp!=76.5", False),
        ("temperature_c > 75 and state = online", True),
        ("temperature_c > 75 AND state = offline", False),
        ("temp>75 and tps<5 and queue>0", True),
        ("rss<500MB", True),
        ("rss<0.1GB", False),
        ("age<1m", True),
        ("age>10m", False),
        ("cpu>80%", True),
        ("temp>-5", True),
        ("variant=home_wi4*", True),
        ("variant!=home_wi4*", False),
        ("release=a1b2*", True),
        ("board='Raspberry Pi 5'", True),
        ('board="*Pi?5"', True),
        ("device=home/pi-?", True),
        ("profile=raspberry*", False),
        ("profile!=raspberry*", False),
        ("power_w>0", False),
        ("power_w!=0", False),
    ],
)
def test_expression_selects(text: str, expected: bool) -> None:
    figures = {"temperature_c": 76.5, "decode_tps": 4.0, "queue_depth": 1, "rss_bytes": 400 * 2**20, "cpu_percent": 90}
    assert parse_where(text).holds(row(**figures)) is expected


def test_no_condition_selects_everything() -> None:
    assert Where().holds(row())
    assert not parse_where("age>0").holds(row(age_s=None))


@pytest.mark.parametrize(
    ("text", "column", "problem"),
    [
        ("", 1, "a field was expected"),
        ("   ", 1, "a field was expected"),
        ("tmp>75", 1, "no field is called 'tmp'"),
        ("temp", 5, "a comparison"),
        ("temp 75", 6, "a comparison"),
        ("temp>", 6, "a number after >"),
        ("temp>hot", 6, "'hot' is not a number"),
        ("temp>75x", 6, "'75x' is not a number"),
        ("temp>1e9", 6, "'1e9' is not a number"),
        ("temp>nan", 6, "'nan' is not a number"),
        ("temp>75 or age>1", 9, "'and' or the end"),
        ("temp>75 and", 12, "a field was expected"),
        ("temp>75 state=online", 9, "'and' or the end"),
        ("state>online", 6, "state is a text"),
        ("state=", 7, "a word after ="),
        ("state='online", 7, "a word after ="),
        ("temp>'75'", 6, "a number after >"),
        ("temp>75 and and", 13, "no field is called 'and'"),
        ("__class__=x", 1, "no field is called '__class__'"),
        ("figures=x", 1, "no field is called 'figures'"),
    ],
)
def test_error_points_at_the_place(text: str, column: int, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_where(text)
    assert f"column {column}: {problem}" in caught.value.message
    assert caught.value.message.splitlines()[2].index("^") == column + 1


def test_unknown_field_is_answered_with_the_nearest_and_all() -> None:
    with pytest.raises(UsageError) as caught:
        parse_where("temprature_c>75")
    assert caught.value.hint
    assert "did you mean temperature_c?" in caught.value.hint
    assert all(name in caught.value.hint for name in FIGURES)


def test_figure_by_its_name_or_a_short_one() -> None:
    assert (parse_figure("temp"), parse_figure("rss_bytes")) == ("temperature_c", "rss_bytes")
    with pytest.raises(UsageError, match="no figure is called 'state'"):
        parse_figure("state")


@given(st.text(max_size=60) | st.text("tempage<>=!'\" and0123.5mhMB-*?", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        where = parse_where(text)
    except UsageError:
        return
    where.holds(row(temperature_c=50.0))


@given(
    st.sampled_from(sorted(FIGURES)),
    st.sampled_from(["<", "<=", ">", ">=", "=", "!="]),
    st.decimals(-(10**9), 10**9, places=3),
)
def test_what_is_written_is_what_is_read(field: str, op: str, value: object) -> None:
    where = parse_where(f"{field} {op} {value}")
    assert where == Where((Condition(field, op, float(str(value))),))
    assert math.isfinite(float(str(value)))


def test_very_long_text_is_refused() -> None:
    with pytest.raises(UsageError, match="1000 at most"):
        parse_where(" and ".join(["temp>75"] * 1000))
