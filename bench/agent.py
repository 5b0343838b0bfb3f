"""How much memory does the agent take while it is connected and has no model?

A fresh agent on a fresh Mosquitto each round, reporting telemetry every second, measured once it has announced itself
and sent for some seconds: PSS (its own pages plus its share of shared ones) and RSS, the largest seen. Beside it, an
interpreter that only sleeps.
"""

from __future__ import annotations

import argparse
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
from bench.harness import ROUNDS, Target, alternate, medians, publish

if TYPE_CHECKING:
    from collections.abc import Iterator

    from paho.mqtt.client import MQTTMessage

AGENT, BARE = "edgeslm-agent, no model", "python, sleeping"
DEVICE = "bench/idle"
PATIENCE_S = 20.0
SETTLE_S = 4.0
BROKER_FOLDERS = ("/usr/sbin", "/usr/local/sbin")  # not on everybody's PATH


def main() -> None:
    """Measure both sides `--rounds` times and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    idle = machine.idle_share()
    samples = alternate([AGENT, BARE], _measure, rounds)
    targets = [Target("PSS without a model", medians(samples)[AGENT]["pss_mb"], 40.0, at_least=False, unit=" MB")]
    versions = {"edgeslm": machine.versions_in(Path(sys.executable), "edgeslm", "paho-mqtt", "numpy")}
    publish("agent", samples, targets, versions, {"rounds": rounds, "idle_before": idle, "telemetry_interval_s": 1})


def _measure(side: str) -> dict[str, float]:
    if side == BARE:
        with _process([sys.executable, "-c", "import time; time.sleep(60)"]) as bare:
            time.sleep(0.5)
            return _memory(bare.pid)
    with tempfile.TemporaryDirectory(prefix="edgeslm-bench-") as folder, _broker(Path(folder)) as port:
        url = f"mqtt://127.0.0.1:{port}"
        words = ["run", "--broker", url, "--id", DEVICE, "--spool", f"{folder}/spool", "--interval", "1"]
        command = [str(Path(sys.executable).with_name("edgeslm-agent")), *words]
        with _announcement(port) as announced, _process(command) as agent:
            if not announced.wait(PATIENCE_S):
                raise SystemExit(f"the agent did not announce itself within {PATIENCE_S:.0f} s")
            return _largest(agent.pid)


def _largest(pid: int) -> dict[str, float]:
    """Return the largest figures seen in SETTLE_S."""
    deadline = time.monotonic() + SETTLE_S
    seen = [_memory(pid)]
    while time.monotonic() < deadline:
        time.sleep(0.2)
        seen.append(_memory(pid))
    return {name: max(figures[name] for figures in seen) for name in seen[0]}


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
