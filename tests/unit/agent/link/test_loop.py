"""The loop of sockets: who is touched is served at once, and nothing is left when all have ended."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

from edgeslm_agent.link.loop import SocketLoop
from support.waiting import eventually

if TYPE_CHECKING:
    import pytest


class Echoing:
    """Sends back what it reads; says something first when it is told to."""

    def __init__(self, raw: socket.socket) -> None:
        self.raw = raw
        self.waiting = b""
        raw.setblocking(False)

    def fileno(self) -> int:
        return self.raw.fileno()

    def serve(self, *, readable: bool) -> bool:
        if readable:
            heard = self.raw.recv(1000)
            if not heard:
                self.raw.close()
                return False
            self.waiting += heard
        if self.waiting:
            self.waiting = self.waiting[self.raw.send(self.waiting) :]
        return bool(self.waiting)

    def tick(self) -> None:
        """Nothing to look at."""


def loops() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "sockets"]


def test_many_are_served_at_once_and_the_thread_ends_with_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeslm_agent.link.loop.TICK_S", 1e6)  # nobody is rescued by the tick
    before = len(loops())
    loop = SocketLoop()
    pairs = [socket.socketpair() for _ in range(50)]
    for near, far in pairs:
        served = Echoing(near)
        loop.touch(served)
        served.waiting = b"hello"
        loop.touch(served)
        far.settimeout(60.0)
        assert far.recv(5) == b"hello"
        far.sendall(b"again")
        assert far.recv(5) == b"again"
    assert len(loops()) == before + 1
    for _, far in pairs:
        far.close()
    eventually(lambda: len(loops()) == before, "the thread ends")
    near, far = socket.socketpair()
    loop.touch(Echoing(near))
    far.sendall(b"later")
    far.settimeout(60.0)
    assert far.recv(5) == b"later", "it begins again"
    far.close()
    eventually(lambda: len(loops()) == before)


def test_what_the_peer_does_not_read_waits_for_room() -> None:
    loop = SocketLoop()
    near, far = socket.socketpair()
    served = Echoing(near)
    served.waiting = b"x" * 4_000_000
    loop.touch(served)
    received = 0
    far.settimeout(60.0)
    while received < 4_000_000:
        received += len(far.recv(65536))
    eventually(lambda: not served.waiting, "the loop counts what it wrote last")
    far.close()
    eventually(lambda: served.fileno() == -1)
