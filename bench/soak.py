"""Everything killed hard: the broker every 20 s under load, collector and agents at random. Keeps a loss certificate.

    a Mosquitto as it is configured out of the box, one collector, four agents without a model that sample every 100 ms
    SIGKILL, a pause of up to a second, and the victim is started again; at the end everything is left in peace
    made = every record that was seen on an agent's disk when it was killed, or when the killing ended
    lost = what of them is neither stored nor named as dropped, and every gap in the numbers of a boot

`make soak` kills collector and agents 200 times each; the suite runs the same with ten.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench import machine
from bench.harness import RESULTS, SCHEMA
from edgeslm.fleet.simulate.broker import OwnBroker
from edgeslm.fleet.simulate.ledger import Ledger, certify
from support.fleet import missing_numbers, rows
from support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

SEED = 2026
SETTLE_S = 180.0
_AGAIN_S = 0.3


@dataclass(frozen=True)
class Plan:
    """How much is killed how often, in seconds; victims live for a time drawn from their range."""

    kills: int = 200  # of the collector, and of all agents together
    broker_every_s: float = 20.0
    collector_lives_s: tuple[float, float] = (0.3, 2.0)
    agent_lives_s: tuple[float, float] = (1.0, 8.0)
    agents: int = 4


class Process:
    """One of our commands, killed hard and started again."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._command = [sys.executable, "-m", module, *arguments]
        self.start()

    def start(self) -> None:
        """Start it."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        """SIGKILL: what is not on disk is gone."""
        self._process.kill()
        self._process.wait()


class Arena:
    """The processes, whom to kill when, and what was seen on the agents' disks."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self._plan = plan
        self._drawn = random.Random(SEED)
        self.kills = Counter[str]()
        self.ledger = Ledger()
        self.database = folder / "fleet.sqlite"
        self.broker = OwnBroker(folder)
        self.broker.start()
        url = f"mqtt://127.0.0.1:{self.broker.port}"
        self._collector = Process("edgeslm", "fleet", "collect", "--broker", url, "--db", str(self.database))
        self._spools = {f"soak/agent-{number}": folder / f"spool-{number}" for number in range(plan.agents)}
        self._written: dict[str, object] = {}
        self._agents = {name: _agent(url, name, spool) for name, spool in self._spools.items()}

    def run(self, notice: Callable[[str], None] = lambda _text: None) -> None:
        """Kill until the plan is done."""
        due = {"broker": self._plan.broker_every_s, "collector": 0.0, **dict.fromkeys(self._agents, 0.0)}
        began = time.monotonic()
        due = {name: began + after + self._life(name) for name, after in due.items()}
        while min(self.kills["collector"], self.kills["agent"]) < self._plan.kills:
            name = min(due, key=lambda one: due[one])
            time.sleep(max(due[name] - time.monotonic(), 0.0))
            if self._worked(name):
                self._kill(name)
                due[name] = time.monotonic() + self._life(name)
            else:
                due[name] = time.monotonic() + _AGAIN_S
            notice(", ".join(f"{count} {who}" for who, count in self.kills.items()))

    def _worked(self, name: str) -> bool:
        """Return whether a victim has written anything since it was started: killing who sleeps proves little."""
        if name == "broker":
            return True
        return self._progress(name) != self._written.get(name)

    def _progress(self, name: str) -> object:
        """Return something that changes when a victim writes."""
        try:
            if name == "collector":
                return rows(self.database, "SELECT count(*) FROM samples")
            return rows(self._spools[name] / "spool.sqlite", "SELECT seq FROM sqlite_sequence WHERE name = 'records'")
        except sqlite3.OperationalError:  # not made yet
            return None

    def settle(self) -> None:
        """Leave everything in peace until nothing is missing, for a bounded time.

        What the agents make meanwhile is on their disks or in the database, and not counted.
        """
        for name in self._spools:
            self._look(name)
        with contextlib.suppress(AssertionError):
            eventually(self._complete, "everything arrives", SETTLE_S)

    def close(self) -> None:
        """End every process."""
        for process in (*self._agents.values(), self._collector):
            process.kill()
        self.broker.close()

    def lost(self) -> dict[str, int]:
        """Return the numbers missing below the highest of each boot that is not empty, by boot."""
        spools = [spool / "spool.sqlite" for spool in self._spools.values()]
        return {boot: len(numbers) for boot, numbers in missing_numbers(self.database, *spools).items()}

    def _complete(self) -> bool:
        return certify(self.ledger.numbers(), self.database).lost == 0 and missing_numbers(self.database) == {}

    def _kill(self, name: str) -> None:
        if name == "broker":
            self.broker.kill()
            self.broker.start()
        else:
            victim = self._collector if name == "collector" else self._agents[name]
            victim.kill()
            if name in self._spools:
                self._look(name)
            time.sleep(self._drawn.uniform(0.0, 0.2))
            self._written[name] = self._progress(name)
            victim.start()
        self.kills["agent" if name in self._agents else name] += 1

    def _look(self, name: str) -> None:
        """Note what is on an agent's disk."""
        spool = self._spools[name] / "spool.sqlite"
        if not spool.exists():  # killed before it made one
            return
        for boot, seq in rows(spool, "SELECT boot, seq FROM records"):
            self.ledger.add(name, str(boot), [(int(str(seq)), int(str(seq)))])

    def _life(self, name: str) -> float:
        if name == "broker":
            return self._plan.broker_every_s
        lives = self._plan.collector_lives_s if name == "collector" else self._plan.agent_lives_s
        return self._drawn.uniform(*lives)


def soak(folder: Path, plan: Plan, notice: Callable[[str], None] = lambda _text: None) -> dict[str, object]:
    """Run a plan; return what was counted."""
    began = time.monotonic()
    arena = Arena(folder, plan)
    try:
        arena.run(notice)
        arena.settle()
    finally:
        arena.close()
    certificate = asdict(certify(arena.ledger.numbers(), arena.database))
    return {
        "minutes": round((time.monotonic() - began) / 60, 1),
        "kills": dict(arena.kills),
        "certificate": certificate,
        "gaps_nobody_named": sum(arena.lost().values()),
        "rows": rows(arena.database, "SELECT count(*) FROM samples")[0][0],
        "boots": rows(arena.database, "SELECT count(*) FROM (SELECT DISTINCT device, boot FROM samples)")[0][0],
    }


def _agent(url: str, name: str, spool: Path) -> Process:
    words = ("--broker", url, "--id", name, "--spool", str(spool), "--interval", "0.1")
    return Process("edgeslm_agent", "run", *words)


def main() -> int:
    """Run, certify, write the result; 1 when a record was lost."""
    parser = argparse.ArgumentParser(description="Kill broker, collector and agents, and count what is lost.")
    parser.add_argument("--kills", type=int, default=Plan.kills, help="of the collector, and of agents (200)")
    plan = Plan(kills=parser.parse_args().kills)
    with tempfile.TemporaryDirectory(prefix="edgeslm-soak-") as folder:
        outcome = soak(Path(folder), plan, lambda text: print(text, end="\r", file=sys.stderr))
    print(json.dumps(outcome, indent=2))
    file = RESULTS / machine.slug() / "soak.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    document = {"schema": SCHEMA, "bench": "soak", "machine": machine.describe(), "plan": asdict(plan), **outcome}
    file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    certificate = outcome["certificate"]
    assert isinstance(certificate, dict)
    return 1 if certificate["lost"] or certificate["duplicates"] or outcome["gaps_nobody_named"] else 0


if __name__ == "__main__":
    sys.exit(main())
