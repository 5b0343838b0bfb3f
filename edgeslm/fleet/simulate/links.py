"""The links between devices and broker: a TCP proxy with a port a link, each of which can be cut off or slowed down.

A partitioned link carries nothing and says nothing: connections stay half open, new ones are taken and not answered, as
behind a router that lost its upstream. A slow link carries a few kilobytes a second, late.
"""

from __future__ import annotations

import contextlib
import resource
import selectors
import socket
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edgeslm.fleet.simulate.script import LINKS

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from edgeslm.fleet.simulate.script import Fault

_CHUNK = 64 * 1024
_MOST_WAITING = 1 << 20  # bytes held for a side that does not read
_SLOW_BYTES_S = 4096.0  # of a connection on a slow link, each way
_SLOW_EVERY_S = 0.25
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


@dataclass(eq=False)
class _End:
    """One side of a connection through a link; `waiting` is what its socket did not take yet."""

    link: int
    raw: socket.socket
    other: _End | None = None
    waiting: bytearray = field(default_factory=bytearray)


class Links:
    """The proxy. `upstream` is the broker's port on this machine."""

    def __init__(self, upstream: int) -> None:
        self._upstream = upstream
        self._selector = selectors.DefaultSelector()
        self._doors = [self._door(link) for link in range(LINKS)]
        self._ends: set[_End] = set()
        self._dead: dict[int, float] = {}  # link: until when
        self._slow: dict[int, float] = {}
        self._rested: set[_End] = set()  # ends that are not listened to for now
        self._next_wake = 0.0

    @property
    def ports(self) -> tuple[int, ...]:
        """Where devices connect, by link."""
        return tuple(door.getsockname()[1] for door in self._doors)

    def strike(self, fault: Fault) -> None:
        """Cut links off, or slow them down, for as long as the fault lasts."""
        troubled = self._dead if fault.kind == "partition" else self._slow
        for link in fault.whom:
            troubled[link] = time.monotonic() + fault.lasts_s

    def serve(self, pipe: Connection) -> None:
        """Carry bytes until the other end of the pipe is closed or says `stop`."""
        self._selector.register(pipe, _READ, pipe)
        pipe.send(self.ports)
        while True:
            for key, events in self._selector.select(_SLOW_EVERY_S):
                if key.data is pipe:
                    if not self._heard(pipe):
                        return
                elif isinstance(key.data, int):
                    self._accept(key.data)
                else:
                    self._move(key.data, events)
            self._wake_the_rested()

    def _heard(self, pipe: Connection) -> bool:
        try:
            word, fault = pipe.recv()
        except (EOFError, OSError):
            return False
        if word == "fault":
            self.strike(fault)
        return bool(word != "stop")

    # --- connections ---

    def _door(self, link: int) -> socket.socket:
        door = socket.create_server(("127.0.0.1", 0), backlog=4096)
        door.setblocking(False)
        self._selector.register(door, _READ, link)
        return door

    def _accept(self, link: int) -> None:
        with contextlib.suppress(OSError):
            raw, _ = self._doors[link].accept()
            raw.setblocking(False)
            near = _End(link, raw)
            try:
                far = _End(link, socket.create_connection(("127.0.0.1", self._upstream), timeout=1.0), near)
            except OSError:  # the broker is away
                raw.close()
                return
            far.raw.setblocking(False)
            near.other = far
            for end in (near, far):
                end.raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._ends.add(end)
                self._selector.register(end.raw, _READ, end)

    def _move(self, end: _End, events: int) -> None:
        if end not in self._ends or self._is(end, self._dead):
            self._rest(end)
            return
        try:
            if events & _WRITE:
                self._empty(end)
            if events & _READ:
                self._carry(end)
        except OSError:
            self._close(end)

    def _carry(self, end: _End) -> None:
        slow = self._is(end, self._slow)
        try:
            data = end.raw.recv(int(_SLOW_BYTES_S * _SLOW_EVERY_S) if slow else _CHUNK)
        except BlockingIOError:
            return
        other = end.other
        if not data or other is None or len(other.waiting) > _MOST_WAITING:
            self._close(end)
            return
        other.waiting += data
        self._empty(other)
        if slow:
            self._rest(end)

    def _empty(self, end: _End) -> None:
        with contextlib.suppress(BlockingIOError):
            sent = end.raw.send(end.waiting)
            del end.waiting[:sent]
        if end not in self._rested:
            self._selector.modify(end.raw, _READ | _WRITE if end.waiting else _READ, end)

    def _close(self, end: _End) -> None:
        for one in (end, end.other):
            if one is not None and one in self._ends:
                self._ends.discard(one)
                if one not in self._rested:
                    self._selector.unregister(one.raw)
                self._rested.discard(one)
                one.raw.close()

    # --- trouble ---

    def _is(self, end: _End, troubled: dict[int, float]) -> bool:
        return time.monotonic() < troubled.get(end.link, 0.0)

    def _rest(self, end: _End) -> None:
        if end in self._ends and end not in self._rested:
            self._rested.add(end)
            self._selector.unregister(end.raw)

    def _wake_the_rested(self) -> None:
        now = time.monotonic()
        if self._rested and now >= self._next_wake:
            self._next_wake = now + _SLOW_EVERY_S
            for end in [one for one in self._rested if not self._is(one, self._dead)]:
                self._rested.discard(end)
                self._selector.register(end.raw, _READ | _WRITE if end.waiting else _READ, end)


def serve(upstream: int, pipe: Connection) -> None:
    """Be the process of the links; the main function of it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    Links(upstream).serve(pipe)
