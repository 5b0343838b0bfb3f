"""A simulation from beginning to certificate."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeslm.fleet.simulate import links, yard
from edgeslm.fleet.simulate.asking import Asking
from edgeslm.fleet.simulate.broker import OwnBroker
from edgeslm.fleet.simulate.ledger import Certificate, certify
from edgeslm.fleet.simulate.processes import Child, CollectorProcess, usage
from edgeslm.fleet.simulate.script import LINKS, Fault, script
from edgeslm.fleet.simulate.yard import Share
from edgeslm_agent.contract.desired import Reporting
from edgeslm_agent.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from edgeslm.fleet.simulate.ledger import Numbers
    from edgeslm.fleet.simulate.script import Habit
    from edgeslm.fleet.simulate.yard import Tidings

_LOOK_S = 0.5
_ARRIVE_S = 300.0  # for every device to connect before the clock starts
_SETTLE_S = 300.0  # for everything to arrive afterwards: a device waits a minute before its tenth attempt


@dataclass(frozen=True)
class Wish:
    """What is to be simulated: devices, seconds, faults; `port` of a broker on this machine, None for one of our own.

    `ask_every_s` is how often each device gets a command, on average; `processes` hold the devices.
    """

    devices: int
    duration_s: float = 60.0
    habits: tuple[Habit, ...] = ()
    seed: int = 1
    sample_every_s: float = 10.0
    ask_every_s: float = 120.0
    processes: int = field(default_factory=lambda: os.cpu_count() or 1)
    port: int | None = None


@dataclass(frozen=True)
class Return:
    """How long it took after a broker's restart until every device was connected again; None: not before the end."""

    at_s: float
    back_s: float | None


@dataclass(frozen=True)
class Report:
    """What happened. Loads are seconds of processor a second, `rss_bytes` the highest seen."""

    certificate: Certificate
    wish: dict[str, Any]
    seconds: float
    arrived_s: float
    settled_s: float | None
    boots: int
    faults: dict[str, int]
    returns: tuple[Return, ...]
    commands: dict[str, int]
    load: dict[str, float]
    rss_bytes: dict[str, int]


def simulate(wish: Wish, notice: Callable[[str], None] = lambda _text: None) -> Report:
    """Run a simulation. Raises UsageError for a wish that cannot be, EnvironmentProblem and LinkError as they come."""
    if wish.port and any(habit.kind == "broker-kill" for habit in wish.habits):
        raise UsageError("somebody else's broker is not killed", "leave out --broker: one is started then")
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="edgeslm-simulation-")))
        stage = stack.enter_context(_stage(wish, folder))
        notice(f"{wish.devices} devices in {len(stage.yards)} processes")
        return _Play(wish, stage, notice).report()


@dataclass(frozen=True)
class _Stage:
    """Every process of a simulation."""

    broker: OwnBroker | None
    links: Child
    yards: tuple[Child, ...]
    collector: CollectorProcess
    asking: Asking
    database: Path

    def pids(self) -> dict[str, tuple[int, ...]]:
        return {
            "broker": (self.broker.pid,) if self.broker else (),
            "collector": (self.collector.pid,),
            "links": (self.links.pid,),
            "devices": tuple(child.pid for child in self.yards),
        }

    def all(self, word: str, value: object = None) -> list[Tidings]:
        for child in self.yards:
            child.tell(word, value)
        return [child.answer() for child in self.yards]


@contextlib.contextmanager
def _stage(wish: Wish, folder: Path) -> Iterator[_Stage]:
    with contextlib.ExitStack() as stack:
        broker = None
        if wish.port is None:
            broker = OwnBroker(folder)
            stack.callback(broker.close)
            broker.start()
        port = broker.port if broker else wish.port
        url = f"mqtt://127.0.0.1:{port}"
        database = folder / "fleet.sqlite"
        collector = CollectorProcess(url, database)
        stack.callback(collector.stop)
        proxy = Child("the links", links.serve, port)
        stack.callback(proxy.stop)
        yards = []
        for number in range(wish.processes):
            mine = tuple(range(number, wish.devices, wish.processes))
            share = Share(mine, proxy.greeting, folder, Reporting(interval_s=wish.sample_every_s))
            yards.append(Child(f"the devices of process {number}", yard.serve, share))
            stack.callback(yards[-1].stop)
        asking = Asking(url, wish.devices, wish.ask_every_s, wish.seed)
        stack.callback(asking.close)
        yield _Stage(broker, proxy, tuple(yards), collector, asking, database)
