"""One process of simulated devices: it calls each agent's `step` when the agent asked for it, or was told something.

Three threads do the work of hundreds of devices: this scheduler, one for all sockets (`link/loop.py`), one that hears
orders from the simulation. Each device has a worker thread besides, which sleeps unless it answers a command.
"""

from __future__ import annotations

import heapq
import resource
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from edgeslm.fleet.simulate.device import Device
from edgeslm.fleet.simulate.ledger import Ledger
from edgeslm.fleet.simulate.script import LINKS
from edgeslm_agent.link.address import Address
from edgeslm_agent.link.loop import SocketLoop

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from pathlib import Path

    from edgeslm.fleet.simulate.ledger import Numbers
    from edgeslm.fleet.simulate.script import Fault
    from edgeslm_agent.contract.desired import Reporting

_STACK_BYTES = 256 * 1024  # of a thread; a thousand of them need no 8 MiB each


@dataclass(frozen=True)
class Share:
    """What one process simulates: devices by number, the ports of their links, a folder for their spools."""

    numbers: tuple[int, ...]
    ports: tuple[int, ...]
    folder: Path
    reporting: Reporting


@dataclass(frozen=True)
class Tidings:
    """What a process tells of its devices; `unsettled` and `made` only when it was asked for them."""

    connected: int
    boots: int
    unsettled: int = 0
    made: Numbers = field(default_factory=dict)


class Yard:
    """The devices of one process and when each is to be called."""

    def __init__(self, share: Share) -> None:
        self._bell = threading.Event()
        self._rung: deque[int] = deque()  # devices that something arrived for
        self._calls: list[tuple[float, int]] = []
        self._due: dict[int, float] = {}
        self._orders: deque[tuple[str, Any]] = deque()
        self._ledger = Ledger()
        self._made: Numbers = {}
        loop = SocketLoop()
        self._devices = {
            number: Device(
                number, share.folder, _address(share, number), loop=loop, ledger=self._ledger,
                reporting=share.reporting, alarm=self._alarm_of(number),
            )
            for number in share.numbers
        }  # fmt: skip
        self._begin(share)

    def serve(self, pipe: Connection) -> None:
        """Run the devices until the other end of the pipe is closed or says `stop`."""
        threading.Thread(target=self._hear, args=(pipe,), daemon=True).start()
        pipe.send("ready")
        while True:
            self._bell.wait(self._pause())
            self._bell.clear()
            for number in self._called():
                self._call(number)
                if not self._answer(pipe):  # between two calls: a fault waits for nobody
                    return
            if not self._answer(pipe):
                return

    # --- the schedule ---

    def _begin(self, share: Share) -> None:
        """Let the devices start one after the other within one interval, as devices in the field would sample."""
        step = share.reporting.interval_s / len(share.numbers)
        for place, number in enumerate(share.numbers):
            self._due[number] = time.monotonic() + place * step
            heapq.heappush(self._calls, (self._due[number], number))

    def _alarm_of(self, number: int) -> Callable[[], None]:
        def alarm() -> None:
            self._rung.append(number)
            self._bell.set()

        return alarm

    def _pause(self) -> float:
        if self._rung or self._orders:
            return 0.0
        return max(self._calls[0][0] - time.monotonic(), 0.0) if self._calls else 1.0

    def _called(self) -> set[int]:
        called = {self._rung.popleft() for _ in range(len(self._rung))}
        now = time.monotonic()
        while self._calls and self._calls[0][0] <= now:
            due, number = heapq.heappop(self._calls)
            if self._due.get(number) == due:  # else it was called meanwhile and asked for another moment
                called.add(number)
        return called

    def _call(self, number: int) -> None:
        due = self._devices[number].step()
        if self._due.get(number) != due:
            self._due[number] = due
            heapq.heappush(self._calls, (due, number))

    # --- orders ---

    def _answer(self, pipe: Connection) -> bool:
        """Do what was ordered and answer; False when the order was to stop."""
        while self._orders:
            word, value = self._orders.popleft()
            if word == "stop":
                return False
            self._obey(word, value)
            pipe.send(self._tell(word))
        return True

    def _hear(self, pipe: Connection) -> None:
        word = ""
        while word != "stop":
            try:
                word, value = pipe.recv()
            except (EOFError, OSError):
                word, value = "stop", None
            self._orders.append((word, value))
            self._bell.set()

    def _obey(self, word: str, value: Fault) -> None:
        if word == "mark":
            for device in self._devices.values():
                device.mark()
            self._made = self._ledger.numbers()
        elif word == "fault":
            for number in set(value.whom) & self._devices.keys():
                self._strike(number, value)

    def _strike(self, number: int, fault: Fault) -> None:
        if fault.kind == "reboot":
            self._devices[number].reboot()
        elif fault.kind == "clock-jump":
            self._devices[number].set_clock(fault.by_s)
        self._rung.append(number)

    def _tell(self, word: str) -> Tidings:
        devices = self._devices.values()
        return Tidings(
            connected=sum(device.connected for device in devices),
            boots=sum(device.boots for device in devices),
            unsettled=sum(not device.settled for device in devices) if word == "settled" else 0,
            made=self._made if word == "made" else {},
        )


def _address(share: Share, number: int) -> Address:
    return Address("127.0.0.1", share.ports[number % LINKS], version=5)


def serve(share: Share, pipe: Connection) -> None:
    """Be one process of devices; the main function of it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # a device holds four files
    threading.stack_size(_STACK_BYTES)
    Yard(share).serve(pipe)
