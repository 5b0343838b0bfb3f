"""One thread that serves the sockets of any number of connections: a device has one, a simulation a thousand.

paho's own loop would be a thread a client that wakes every second, and its `select` refuses descriptors above 1023.
The thread lives while there is something to serve.
"""

from __future__ import annotations

import selectors
import socket
import threading
import time
from typing import Protocol

TICK_S = 5.0  # how often each connection looks at its keepalive; brokers allow half a keepalive of delay
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Served(Protocol):
    """A connection as the loop sees it. All but `fileno` are called in the loop's thread only, and never raise."""

    def fileno(self) -> int:
        """Return the socket's descriptor, -1 once it is closed."""

    def serve(self, *, readable: bool) -> bool:
        """Read what came and write what waits; return whether some of it still waits for room in the socket."""

    def tick(self) -> None:
        """Look at the keepalive."""


class SocketLoop:
    """Serves every connection it was told of until its socket is closed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._touched: dict[Served, None] = {}
        self._bell: socket.socket | None = None  # rings the thread; None while there is no thread

    def touch(self, served: Served) -> None:
        """Serve a connection from now on, or look again whether it has something to write; from any thread."""
        with self._lock:
            news = not self._touched
            self._touched[served] = None
            if self._bell is None:
                self._bell, ear = socket.socketpair()
                ear.setblocking(False)
                threading.Thread(target=self._run, args=(ear,), name="sockets", daemon=True).start()
            elif news:
                self._bell.send(b"!")

    def _run(self, ear: socket.socket) -> None:
        with selectors.DefaultSelector() as selector, ear:
            selector.register(ear, _READ)
            known: dict[Served, int] = {}  # descriptors as registered
            due = time.monotonic() + TICK_S
            while not self._over(known):
                with self._lock:
                    touched, self._touched = self._touched, {}
                for served in touched:
                    _serve(selector, known, served, readable=False)
                for key, events in selector.select(max(due - time.monotonic(), 0.0)):
                    if key.data is None:
                        ear.recv(64)
                    else:
                        _serve(selector, known, key.data, readable=bool(events & _READ))
                if time.monotonic() >= due:
                    due = time.monotonic() + TICK_S
                    for served in tuple(known):
                        served.tick()
                        _serve(selector, known, served, readable=False)

    def _over(self, known: dict[Served, int]) -> bool:
        with self._lock:
            if known or self._touched or self._bell is None:
                return False
            self._bell.close()
            self._bell = None
            return True


def _serve(selector: selectors.BaseSelector, known: dict[Served, int], served: Served, *, readable: bool) -> None:
    waits = served.fileno() >= 0 and served.serve(readable=readable)
    descriptor, before = served.fileno(), known.get(served)
    if before is not None and before != descriptor:
        selector.unregister(before)  # closed meanwhile: epoll forgot it, the selector's map did not
        del known[served]
    if descriptor < 0:
        return
    events = _READ | _WRITE if waits else _READ
    if served not in known:
        known[served] = descriptor
        selector.register(descriptor, events, served)
    elif selector.get_key(descriptor).events != events:
        selector.modify(descriptor, events, served)
