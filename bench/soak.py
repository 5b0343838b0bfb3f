"""A long run with everything killed hard at random: broker, collector, agents. Prints and keeps a loss certificate.

    a Mosquitto with its default queues, one collector, four agents without a model that sample every 0.2 s
    every few seconds one of them gets SIGKILL and is started again; at the end everything is left in peace
    a number below the highest of its boot that is neither in the database nor in a spool is a record lost; a key stored
    twice ends the run (the database's key forbids it, the check is repeated outside)

`make soak` runs ten minutes; `PYTHONPATH=tests python -m bench.soak --minutes 60` an hour.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from bench import machine
from bench.harness import RESULTS, SCHEMA
from support.fleet import missing_numbers, rows
from support.mosquitto import Mosquitto
from support.waiting import eventually

AGENTS = 4
PAUSE_S = (2.0, 8.0)  # between two kills
SEED = 2026


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


def main() -> int:
    """Run, certify, write the result; 1 when a record was lost."""
    parser = argparse.ArgumentParser(description="Kill broker, collector and agents at random, and count what is lost.")
    parser.add_argument("--minutes", type=float, default=10.0)
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory(prefix="edgeslm-soak-") as folder:
        certificate = soak(Path(folder), minutes)
    print(json.dumps(certificate, indent=2))
    file = RESULTS / machine.slug() / "soak.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    document = {"schema": SCHEMA, "bench": "soak", "machine": machine.describe(), "certificate": certificate}
    file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return 0 if certificate["lost"] == 0 else 1


def soak(folder: Path, minutes: float) -> dict[str, object]:
    """Run for `minutes`, then let everything arrive; return what was counted."""
    drawn, kills = random.Random(SEED), Counter[str]()
    broker = Mosquitto(folder)
    broker.start()
    database = folder / "fleet.sqlite"
    collector = Process("edgeslm", "fleet", "collect", "--broker", broker.url, "--db", str(database))
    spools = [folder / f"spool-{number}" for number in range(AGENTS)]
    agents = [_agent(broker, number, spool) for number, spool in enumerate(spools)]
    try:
        end = time.monotonic() + 60 * minutes
        while time.monotonic() < end:
            time.sleep(drawn.uniform(*PAUSE_S))
            victims: dict[str, Mosquitto | Process] = {"broker": broker, "collector": collector}
            name = drawn.choice(["broker", "collector", "agent"])
            victim = victims.get(name) or drawn.choice(agents)
            victim.kill()
            time.sleep(drawn.uniform(0.0, 2.0))
            victim.start()
            kills[name] += 1
            print(f"{sum(kills.values())} kills", end="\r", file=sys.stderr)
        _settle(database)
    finally:
        for process in (*agents, collector):
            process.kill()
        broker.stop()
    missing = missing_numbers(database, *(spool / "spool.sqlite" for spool in spools))
    return {
        "minutes": minutes,
        "kills": dict(kills),
        "samples": rows(database, "SELECT count(*) FROM samples")[0][0],
        "boots": rows(database, "SELECT count(*) FROM (SELECT DISTINCT device, boot FROM samples)")[0][0],
        "lost": sum(map(len, missing.values())),
    }


def _settle(database: Path) -> None:
    """Leave everything in peace until no number is missing, for at most two minutes."""
    with contextlib.suppress(AssertionError):
        eventually(lambda: missing_numbers(database) == {}, "every number arrives", within_s=120.0)


def _agent(broker: Mosquitto, number: int, spool: Path) -> Process:
    identity = f"soak/agent-{number}"
    return Process(
        "edgeslm_agent", "run", "--broker", broker.url, "--id", identity, "--spool", str(spool), "--interval", "0.2"
    )


if __name__ == "__main__":
    sys.exit(main())
