"""Interrupting code at each of its writes: before or after every open for writing, fsync, rename and chmod it does."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest


class Interrupted(BaseException):
    """What comes in between; no `except Exception` may keep it."""


def interruptions(action: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Run the action, each time stopped one step later, yielding after each stop; ends when it ran through.

    A step is a call that changes a disk. It is stopped before the call and, next time, right after it. What the action
    would tidy up is stopped too: it is as if the power went.
    """
    patience = 0
    while _stops(action, patience, monkeypatch):
        yield patience
        patience += 1


def _stops(action: Callable[[], object], patience: int, monkeypatch: pytest.MonkeyPatch) -> bool:
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1
        if steps > patience:
            raise Interrupted

    with monkeypatch.context() as patch:
        for owner, name in ((os, "fsync"), (os, "open"), (os, "fchmod"), (Path, "replace"), (Path, "mkdir")):
            patch.setattr(owner, name, _guarded(getattr(owner, name), step))
        try:
            action()
        except Interrupted:
            return True
    return False


def _guarded(call: Callable[..., object], step: Callable[[], None]) -> Callable[..., object]:
    def guarded(*arguments: object, **more: object) -> object:
        step()
        result = call(*arguments, **more)
        step()
        return result

    return guarded
