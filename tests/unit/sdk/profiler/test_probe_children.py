"""Children of a probe: what they print is kept, their folders go, and an interrupt waits until they are gone."""

from __future__ import annotations

import signal
import sys
import tempfile
import threading
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from edgeslm.profiler.probe.children import run_in_folder, workplace
from edgeslm.profiler.probe.held import SIGNALS, held_signals
from edgeslm.profiler.probe.record import Record, write_record
from support.interruption import interruptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Told(BaseException):
    """What a signal raises in these tests."""


@pytest.fixture(autouse=True)
def raising() -> Iterator[None]:
    def tell(number: int, _frame: object) -> None:
        raise Told(number)

    before = {number: signal.signal(number, tell) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def python(program: str, folder: str) -> list[str]:
    return [sys.executable, "-S", "-c", program, folder]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_acts_once_when_the_block_is_over(number: signal.Signals) -> None:
    reached = False
    with pytest.raises(Told) as caught, held_signals() as came:  # noqa: PT012 - that the block goes on is the point
        assert not came()
        signal.raise_signal(number)
        signal.raise_signal(signal.SIGINT)
        reached = came()
    assert reached
    assert caught.value.args == (number,)
    with pytest.raises(Told):
        signal.raise_signal(number)


def test_an_ignored_signal_stays_ignored_and_no_signal_is_no_interrupt() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with held_signals() as came:
        signal.raise_signal(signal.SIGHUP)
        assert not came()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_another_thread_than_the_main_one_holds_nothing() -> None:
    def probing() -> None:
        with held_signals() as came:
            told.append(came())

    told: list[bool] = []
    handlers = [signal.getsignal(number) for number in SIGNALS]
    thread = threading.Thread(target=probing)
    thread.start()
    thread.join()
    assert told == [False]
    assert [signal.getsignal(number) for number in SIGNALS] == handlers


def test_a_child_works_in_an_empty_folder_that_goes_with_it(scratch: Path) -> None:
    program = "import os, sys; print(os.listdir(sys.argv[1])); open(sys.argv[1] + '/graph', 'w'); sys.exit('tired')"
    with workplace() as place:
        for _ in range(2):
            ended = run_in_folder(partial(python, program), 20.0, place)
            assert (ended.said, ended.complained, ended.code) == ("[]\n", "tired\n", 1)
            assert list(place.folder.iterdir()) == []
    assert list(scratch.iterdir()) == []


def test_a_child_that_takes_too_long_is_ended(scratch: Path) -> None:
    with workplace() as place:
        assert run_in_folder(partial(python, "import time; time.sleep(3600)"), 0.0, place).code == -signal.SIGKILL
    assert list(scratch.iterdir()) == []


def test_what_a_child_printed_before_it_was_ended_is_kept(scratch: Path) -> None:
    program = "import sys, time; print('early', flush=True); open(sys.argv[1] + '/printed', 'w'); time.sleep(3600)"
    with workplace() as place:
        until_printed = replace(place, interrupted=lambda: any(scratch.rglob("printed")))
        ended = run_in_folder(partial(python, program), 3600.0, until_printed)
    assert (ended.said, ended.code) == ("early\n", -signal.SIGKILL)


def test_an_interrupt_ends_the_child_first(scratch: Path) -> None:
    ended = None
    with pytest.raises(Told), workplace() as place:  # noqa: PT012 - as above
        signal.raise_signal(signal.SIGTERM)
        ended = run_in_folder(partial(python, "import time; time.sleep(3600)"), 3600.0, place)
    assert ended is not None
    assert ended.code == -signal.SIGKILL
    assert list(scratch.iterdir()) == []


def test_a_record_interrupted_at_any_step_of_its_writing_is_the_old_or_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def record(taken: str) -> Record:
        return Record("here", "a machine", (), taken, 0, 1.0, ())

    path, texts = tmp_path / "here.json", []
    for taken in ("new", "old"):
        write_record(record(taken), path)
        texts.append(path.read_text())
    for _ in interruptions(lambda: write_record(record("new"), path), monkeypatch):
        assert path.read_text() in texts
        assert [file.name for file in tmp_path.iterdir()] == ["here.json"]
    assert path.read_text() == texts[0]
