"""The certificate: it finds what is missing, what is there twice, and tells a gap that was named from a loss."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edgeslm.fleet.simulate.ledger import Ledger, compare

KEY = ("home/a", "b1")


def rows(*numbers: int, boot: str = "b1") -> list[tuple[str, str, int]]:
    return [("home/a", boot, number) for number in numbers]


def test_everything_stored_is_a_clean_certificate() -> None:
    one = compare({KEY: ((1, 3),)}, rows(2, 1, 3), [])
    assert one.clean
    assert (one.made, one.stored, one.dropped, one.lost, one.duplicates) == (3, 3, 0, 0, 0)


def test_a_missing_number_is_lost_and_shown() -> None:
    one = compare({KEY: ((1, 9),)}, rows(1, 2, 9), [("home/a", "b1", 5, 9)])
    assert (one.made, one.stored, one.dropped, one.lost) == (9, 3, 4, 2)
    assert one.examples == (("home/a", "b1", 3, 4),)
    assert not one.clean


def test_a_number_of_another_boot_does_not_stand_in() -> None:
    assert compare({KEY: ((1, 2),)}, rows(1, 2, boot="b2"), []).lost == 2


def test_a_number_stored_twice_is_a_duplicate() -> None:
    one = compare({KEY: ((1, 2),)}, rows(1, 2, 2), [])
    assert (one.lost, one.duplicates) == (0, 1)
    assert not one.clean


def test_what_came_after_the_mark_counts_neither_way() -> None:
    assert compare({KEY: ((1, 2),)}, rows(1, 2, 3, 4), []).clean


@given(st.sets(st.integers(1, 60)), st.sets(st.integers(1, 60)), st.sets(st.integers(1, 60)))
def test_the_parts_make_the_whole(made: set[int], stored: set[int], given_up: set[int]) -> None:
    ledger = Ledger()
    ledger.add("home/a", "b1", [(number, number) for number in made])
    gaps = [("home/a", "b1", number, number) for number in given_up]
    one = compare(ledger.numbers(), rows(*stored), gaps)
    assert one.made == len(made)
    assert one.stored == len(made & stored)
    assert one.dropped == len(made & given_up - stored)
    assert one.lost == len(made - stored - given_up)
