"""How many samples a second does a collector keep, into SQLite and into PostgreSQL?

The whole path, as processes of their own: a Mosquitto, `edgeslm fleet collect`, the database (PostgreSQL as its package
sets it up), and this process, which plays the devices. Each message carries ten samples of 29 figures of one of 1,000
devices, compressed as devices do; counted is what came back as acknowledged, which is after the commit, from the first
message to the last ack. At most 1,000 messages wait for their ack, so the collector is always busy and nothing is sent
twice. Not included: making and compressing the samples (done before), and the devices' own spools.

    PYTHONPATH=tests python -m bench.ingest --seconds 30 --rounds 3
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench import machine
from bench.harness import Target, alternate, medians, publish
from edgeslm_agent.contract.figures import FIGURES
from edgeslm_agent.contract.telemetry import Sample, Telemetry, parse_ack
from edgeslm_agent.contract.topics import EVERYWHERE, DeviceId, parse_topic
from edgeslm_agent.link.address import parse_address
from edgeslm_agent.link.endpoint import Endpoint, Patience
from edgeslm_agent.link.mqtt import MqttTransport
from edgeslm_agent.link.transport import Connected, Outgoing, Received, SessionOptions
from support.fleet import rows
from support.mosquitto import mosquitto
from support.postgres import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgeslm.fleet.history import Address

SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
DEVICES, BATCH, FIGURES_EACH = 1000, 10, 29
WAITING = 1000  # messages without an ack
BOUND = 10_000.0  # samples a second
MOST = 25_000  # samples a second for which messages are made


def main() -> None:
    """Measure both databases `--rounds` times and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=30.0, help="how long to send, in each round")
    options = parser.parse_args()
    idle = machine.idle_share()
    messages = _messages(int(options.seconds * MOST / BATCH))
    samples = alternate([SQLITE, POSTGRESQL], lambda side: _measure(side, messages, options.seconds), options.rounds)
    middle = medians(samples)
    targets = [Target(f"{side}: samples/s", middle[side]["samples_s"], BOUND, at_least=True) for side in middle]
    packages = ("edgeslm", "paho-mqtt", "psycopg", "sqlalchemy")
    versions = {"edgeslm": machine.versions_in(Path(sys.executable), *packages)}
    settings = {"rounds": options.rounds, "idle_before": idle, "seconds": options.seconds}
    publish("ingest", samples, targets, versions, {**settings, "batch": BATCH, "devices": DEVICES})


def _messages(number: int) -> list[bytes]:
    """Return messages of random samples: each device's turn in a boot of its own, so that no key comes twice."""
    drawn, names = random.Random(1), list(FIGURES)[:FIGURES_EACH]
    now = time.time()
    made = []
    for index in range(number):
        figures = [{name: round(drawn.uniform(0, 1000), 3) for name in names} for _ in range(BATCH)]
        samples = tuple(Sample(seq, round(now + seq, 3), values) for seq, values in enumerate(figures, start=1))
        made.append(Telemetry(str(index // DEVICES), samples).payload())
    return made


@contextlib.contextmanager
def _collector(url: str, database: str) -> Iterator[subprocess.Popen[str]]:
    """Run a collector for the block, from when it is ready."""
    command = [sys.executable, "-m", "edgeslm", "fleet", "collect", "--broker", url, "--db", database, "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert json.loads(process.stdout.readline())["state"] == "ready"
            yield process
        finally:
            process.terminate()


def _processor_s(pid: int) -> float:
    """Return the processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _measure(side: str, messages: Sequence[bytes], seconds: float) -> dict[str, float]:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="edgeslm-bench-")))
        broker = stack.enter_context(mosquitto(folder))
        database: Address = folder / "db"
        if side == POSTGRESQL:
            database = stack.enter_context(postgres()).database()
        collector = stack.enter_context(_collector(broker.url, str(database)))
        before = _processor_s(collector.pid)
        sent, took, delays = _send(broker.url, messages, seconds)
        spent = _processor_s(collector.pid) - before
        stored = int(str(rows(database, "SELECT count(*) FROM samples")[0][0]))
        if stored != sent:
            raise SystemExit(f"{sent} samples were acknowledged, and {stored} are stored")
    return {
        "samples_s": sent / took,
        "collector_us": spent / sent * 1e6,
        "ack_p50_ms": delays[len(delays) // 2] * 1e3,
        "ack_p99_ms": delays[int(len(delays) * 0.99)] * 1e3,
    }


def _send(url: str, messages: Sequence[bytes], seconds: float) -> tuple[int, float, list[float]]:
    """Send for `seconds` and wait for the rest; returns samples acknowledged, seconds, sorted delays of the acks."""
    patience = Patience(outbox=2 * WAITING, inbox=10 * WAITING)
    filters = [EVERYWHERE.filter("ack")]
    endpoint = Endpoint(MqttTransport(parse_address(url)), SessionOptions("bench"), filters, patience=patience)
    while not isinstance(endpoint.poll(10.0), Connected):
        pass
    started, waiting, delays, number = time.monotonic(), dict[tuple[DeviceId, int], float](), list[float](), 0
    while waiting or (number < len(messages) and time.monotonic() - started < seconds):
        while len(waiting) < WAITING and number < len(messages) and time.monotonic() - started < seconds:
            who, turn = DeviceId("bench", f"d{number % DEVICES}"), number // DEVICES
            endpoint.publish(Outgoing(who.topic("telemetry"), messages[number]))
            waiting[who, turn] = time.monotonic()
            number += 1
        happening = endpoint.poll(1.0)
        topic = parse_topic(happening.topic) if isinstance(happening, Received) else None
        if isinstance(happening, Received) and topic is not None:
            turn = int(parse_ack(happening.payload).boot)
            delays.append(time.monotonic() - waiting.pop((topic.owner, turn)))
    took = time.monotonic() - started
    endpoint.close()
    return number * BATCH, took, sorted(delays)


if __name__ == "__main__":
    main()
