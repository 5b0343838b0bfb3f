"""The thread that keeps a certificate fresh."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from edgeslm_agent.errors import Refused
from edgeslm_agent.identity import renewal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def enrolled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "identity.json").write_text('{"device": "a/b", "desk": "https://x", "nonce": "1"}', encoding="utf-8")
    monkeypatch.setattr(renewal, "_DAY_S", 0.0)
    return tmp_path


def test_failure_is_told_and_tried_again(enrolled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()
    notices: list[str] = []
    answers: Iterator[Refused | bool] = iter([Refused("no"), False, True])

    def renew(folder: Path) -> bool:
        assert folder == enrolled
        answer = next(answers)
        if isinstance(answer, Refused):
            raise answer
        if answer:
            stop.set()
        return answer

    monkeypatch.setattr(renewal, "renew", renew)
    renewal.keep_renewed(enrolled, stop, notices.append, first_s=0.0)
    assert notices == [
        "the certificate could not be renewed: no; trying again within a day",
        "the certificate was renewed",
    ]


@pytest.mark.parametrize(
    ("record", "told"), [(None, 0), ('{"device": "a/b", "desk": null, "nonce": null}', 0), ("broken", 1)]
)
def test_identity_that_no_desk_renews_ends_the_thread(record: str | None, told: int, tmp_path: Path) -> None:
    if record is not None:
        (tmp_path / "identity.json").write_text(record, encoding="utf-8")
    notices: list[str] = []
    renewal.keep_renewed(tmp_path, threading.Event(), notices.append)
    assert len(notices) == told
