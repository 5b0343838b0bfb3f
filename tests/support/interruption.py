"""Interrupting code at each of its writes: before every open, fsync, change of rights, rename and new folder."""

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
    """Run the action again and again, each time stopped one step later, until it runs through; yields after each stop.

    A step is a call that changes a disk. What the action would tidy up is stopped too: it is as if the power went.
    """
    steps = 0
    while interrupted(action, steps, monkeypatch):
        yield steps
        steps += 1


def interrupted(action: Callable[[], object], after: int, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Run the action and stop it `after` so many steps; False when it came to its end before."""
    left = after

    def step() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Interrupted

    with monkeypatch.context() as patch:
        for owner, name in ((os, "open"), (os, "fchmod"), (Path, "replace"), (Path, "mkdir")):
            patch.setattr(owner, name, _guarded(getattr(owner, name), step))
        patch.setattr(os, "fsync", lambda _descriptor: step())  # the power stays on; only the place counts
        try:
            action()
        except Interrupted:
            return True
    return False


def _guarded(call: Callable[..., object], step: Callable[[], None]) -> Callable[..., object]:
    def guarded(*arguments: object, **more: object) -> object:
        step()
        return call(*arguments, **more)

    return guarded
