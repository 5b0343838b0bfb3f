"""How much memory and processor does the agent take while it is connected and has no model?

A fresh agent on a fresh Mosquitto each round, a sample every 10 s, read every 10 s for some minutes (FOOTPRINT.md): PSS
(its own pages plus its share of shared ones) and RSS, the largest seen, and the share of a core it used. Beside it, an
interpreter that only sleeps.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from bench import machine
from bench.environments import ROOT
from bench.harness import Target, alternate, medians, publish

if TYPE_CHECKING:
    from collections.abc import Iterator

    from paho.mqtt.client import MQTTMessage

AGENT, BARE = "edgeslm-agent, no model", "python, sleeping"
DEVICE = "bench/idle"
PATIENCE_S = 20.0
SETTLE_S = 20.0  # after it announced itself
READ_EVERY_S = 10.0
TICK_S = 1.0 / os.sysconf("SC_CLK_TCK")
BROKER_FOLDERS = ("/usr/sbin", "/usr/local/sbin")  # not on everybody's PATH


def main() -> None:
    """Measure both sides `--rounds` times and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=5.0)
    options = parser.parse_args()
    rounds = options.rounds
    idle = machine.idle_share()
    samples = alternate([AGENT, BARE], lambda side: _measure(side, 60.0 * options.minutes), rounds)
    seen = medians(samples)[AGENT]
    targets = [
        Target("PSS without a model", seen["pss_mb"], 35.0, at_least=False, unit=" MB"),
        Target("processor while idle", seen["cpu_percent"], 0.5, at_least=False, unit=" %"),
    ]
    versions = {"edgeslm": machine.versions_in(Path(sys.executable), "edgeslm", "paho-mqtt", "numpy")}
    publish(
        "agent",
        samples,
        targets,
        versions,
        {"rounds": rounds, "minutes": options.minutes, "idle_before": idle, "telemetry_interval_s": 10},
    )


def _measure(side: str, seconds: float) -> dict[str, float]:
    if side == BARE:
        with _process([sys.executable, "-c", "import time; time.sleep(60)"]) as bare:
            time.sleep(0.5)
            return _memory(bare.pid)
    with tempfile.TemporaryDirectory(prefix="edgeslm-bench-") as folder, _broker(Path(folder)) as port:
        url = f"mqtt://127.0.0.1:{port}"
        words = ["run", "--broker", url, "--id", DEVICE, "--spool", f"{folder}/spool"]
        command = [str(Path(sys.executable).with_name("edgeslm-agent")), *words]
        with _announcement(port) as announced, _process(command) as agent:
            if not announced.wait(PATIENCE_S):
                raise SystemExit(f"the agent did not announce itself within {PATIENCE_S:.0f} s")
            time.sleep(SETTLE_S)
            return _watched(agent.pid, seconds)


def _watched(pid: int, seconds: float) -> dict[str, float]:
    """Return the largest memory of some readings, and the processor time between the first and the last."""
    began, used = time.monotonic(), _cpu_s(pid)
    seen = [_memory(pid)]
    while time.monotonic() < began + seconds:
        time.sleep(READ_EVERY_S)
        seen.append(_memory(pid))
    busy = 100.0 * (_cpu_s(pid) - used) / (time.monotonic() - began)
    return {**{name: max(figures[name] for figures in seen) for name in seen[0]}, "cpu_percent": busy}


def _cpu_s(pid: int) -> float:
    words = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) * TICK_S


def _memory(pid: int) -> dict[str, float]:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]
    kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    return {"pss_mb": kilobytes["Pss"] * 1024 / 1e6, "rss_mb": kilobytes["Rss"] * 1024 / 1e6}


@contextmanager
def _broker(folder: Path) -> Iterator[int]:
    """Run a Mosquitto of our own on a free port of the loopback."""
    program = shutil.which("mosquitto") or next(
        (found for place in BROKER_FOLDERS if (found := shutil.which("mosquitto", path=place))), None
    )
    if program is None:
        raise SystemExit("this bench needs Mosquitto: apt install mosquitto")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    settings = folder / "mosquitto.conf"
    settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n", encoding="ascii")
    with _process([program, "-c", str(settings)]):
        _wait_for(port)
        yield port


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with socket.socket() as knock:
            if knock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit("mosquitto did not start")


@contextmanager
def _announcement(port: int) -> Iterator[threading.Event]:
    """Yield an event that is set when the agent's telemetry arrives: it is connected then."""
    arrived = threading.Event()

    def on_message(_client: Client, _data: object, _message: MQTTMessage) -> None:
        arrived.set()

    client = Client(CallbackAPIVersion.VERSION2)
    client.on_message = on_message
    client.connect("127.0.0.1", port)
    client.subscribe(f"edgeslm/v1/{DEVICE}/telemetry")
    client.loop_start()
    yield arrived
    client.loop_stop()


@contextmanager
def _process(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
