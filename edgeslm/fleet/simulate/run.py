"""A simulation from beginning to certificate."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeslm.fleet.simulate import links, yard
from edgeslm.fleet.simulate.asking import Asking
from edgeslm.fleet.simulate.broker import OwnBroker
from edgeslm.fleet.simulate.ledger import Certificate, certify
from edgeslm.fleet.simulate.processes import Child, CollectorProcess, usage
from edgeslm.fleet.simulate.script import script
from edgeslm.fleet.simulate.yard import Share
from edgeslm_agent.contract.desired import Reporting
from edgeslm_agent.errors import UsageError
from edgeslm_agent.link.address import Address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edgeslm.fleet.simulate.script import Fault, Habit
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
    processes: int = 4 * (os.cpu_count() or 1)  # a commit waits for the disk, not for a core
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
    arrived_s: float | None
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
        port = wish.port or (broker.port if broker else 0)
        database = folder / "fleet.sqlite"
        collector = CollectorProcess(f"mqtt://127.0.0.1:{port}", database)
        stack.callback(collector.stop)
        proxy = Child("the links", links.serve, port)
        stack.callback(proxy.stop)
        ports, yards = proxy.answer(), []
        for number in range(min(wish.processes, wish.devices)):
            mine = tuple(range(number, wish.devices, wish.processes))
            share = Share(mine, ports, folder, Reporting(interval_s=wish.sample_every_s))
            yards.append(Child(f"the devices of process {number}", yard.serve, share))
            stack.callback(yards[-1].stop)
        asking = Asking(Address("127.0.0.1", port), wish.devices, wish.ask_every_s, wish.seed)
        stack.callback(asking.close)
        for child in yards:
            child.answer()
        yield _Stage(broker, proxy, tuple(yards), collector, asking, database)


class _Play:
    """One performance of the script on a stage."""

    def __init__(self, wish: Wish, stage: _Stage, notice: Callable[[str], None]) -> None:
        self._wish = wish
        self._stage = stage
        self._notice = notice
        self._faults = Counter[str]()
        self._returns: list[Return] = []
        self._away_since: float | None = None  # monotonic moment of the broker's last restart
        self._gone_cpu_s = 0.0  # of brokers that were killed
        self._rss: dict[str, int] = {}

    def report(self) -> Report:
        """Let the devices arrive, play the script, let everything arrive, and compare."""
        arrived_s = self._await("devices connect", lambda: self._connected() == self._wish.devices, _ARRIVE_S)
        before, began = self._cpu(), time.monotonic()
        self._play(began)
        seconds, after = time.monotonic() - began, self._cpu()
        boots = sum(one.boots for one in self._stage.all("mark"))
        settled_s = self._await("everything arrives", self._settled, _SETTLE_S)
        made = {key: ranges for one in self._stage.all("made") for key, ranges in one.made.items()}
        self._stage.collector.stop()
        return Report(
            certificate=certify(made, self._stage.database),
            wish=asdict(self._wish),
            seconds=round(seconds, 1),
            arrived_s=arrived_s,
            settled_s=settled_s,
            boots=boots,
            faults=dict(self._faults),
            returns=tuple(self._returns),
            commands=dict(self._stage.asking.counts),
            load={name: round((after[name] - before[name]) / seconds, 3) for name in after},
            rss_bytes=dict(self._rss),
        )

    def _play(self, began: float) -> None:
        wish = self._wish
        coming = list(script(wish.habits, wish.devices, wish.duration_s, wish.seed))
        while (now := time.monotonic() - began) < wish.duration_s:
            while coming and coming[0].at_s <= now:
                self._strike(coming.pop(0), now)
            self._look(now)
            pause = min(coming[0].at_s if coming else wish.duration_s, now + _LOOK_S, wish.duration_s)
            self._stage.asking.work(began + pause, ask=True)
        self._still_away(time.monotonic() - began)

    def _strike(self, fault: Fault, now: float) -> None:
        self._faults[fault.kind] += 1
        self._notice(f"{now:.0f} s: {fault.kind} {len(fault.whom) or ''}".rstrip())
        if fault.kind == "broker-kill":
            assert self._stage.broker
            self._still_away(now)
            self._gone_cpu_s += usage(self._stage.broker.pid).cpu_s
            self._stage.broker.kill()
            self._stage.broker.start()
            self._away_since = time.monotonic()
        elif fault.kind in ("partition", "slow-link"):
            self._stage.links.tell("fault", fault)
        else:
            self._stage.all("fault", fault)

    def _look(self, now: float) -> None:
        connected = self._connected()
        if self._away_since is not None and connected == self._wish.devices:
            back_s = time.monotonic() - self._away_since
            self._returns.append(Return(round(now - back_s, 1), round(back_s, 1)))
            self._away_since = None
        for name, pids in self._stage.pids().items():
            self._rss[name] = max(self._rss.get(name, 0), sum(usage(pid).rss_bytes for pid in pids))

    def _still_away(self, now: float) -> None:
        """Note that not all devices came back before the next kill, or the end."""
        if self._away_since is not None:
            self._returns.append(Return(round(now - (time.monotonic() - self._away_since), 1), None))
            self._away_since = None

    def _connected(self) -> int:
        return sum(one.connected for one in self._stage.all("look"))

    def _settled(self) -> bool:
        return not sum(one.unsettled for one in self._stage.all("settled"))

    def _cpu(self) -> dict[str, float]:
        used = {name: sum(usage(pid).cpu_s for pid in pids) for name, pids in self._stage.pids().items()}
        return {**used, "broker": used["broker"] + self._gone_cpu_s}

    def _await(self, what: str, condition: Callable[[], bool], within_s: float) -> float | None:
        """Return how long it took, None when it did not happen."""
        self._notice(f"waiting until {what}")
        began = time.monotonic()
        while (waited := time.monotonic() - began) < within_s:
            if condition():
                return round(waited, 1)
            self._stage.asking.work(time.monotonic() + _LOOK_S, ask=False)
        return None
