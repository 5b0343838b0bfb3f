"""A broker for the demo and for tests: amqtt in a process of its own, or a Mosquitto found on this machine.

amqtt is an embedded broker for a first look, not for a fleet: it speaks MQTT 3.1.1 only, and its queues have no bounds.
`python -m edgeslm.fleet.broker PORT` is the process; it ends when its standard input does, so it cannot outlive its
parent.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from edgeslm_agent.errors import MissingExtra, Unreachable

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind = Literal["embedded", "mosquitto"]
_START_S = 60.0  # a process that ended is noticed at once; this is for amqtt on a small or loaded board
_STOP_S = 5.0
_ATTEMPTS = 5  # another process may take the free port first
_MOSQUITTO_PLACES = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")  # not on every user's PATH


@contextlib.contextmanager
def running_broker(kind: Kind = "embedded") -> Iterator[str]:
    """Start a broker on a free port of the loopback interface and yield its URL; it is gone afterwards.

    Raises MissingExtra when the package or program is not there, Unreachable when it does not come up.
    """
    with tempfile.TemporaryDirectory(prefix="edgeslm-broker-") as folder, contextlib.ExitStack() as stack:
        for _ in range(_ATTEMPTS):
            port = _free_port()
            process = stack.enter_context(_process(_command(kind, port, Path(folder))))
            if _answers(process, port):
                # amqtt does not refuse MQTT 5, it waits for more: tell the clients what it speaks
                yield f"mqtt://127.0.0.1:{port}" + ("?version=3.1.1" if kind == "embedded" else "")
                return
    raise Unreachable(
        f"the {kind} broker did not come up", "run it by hand to see why: python -m edgeslm.fleet.broker 1883"
    )


def find_mosquitto() -> str | None:
    """Return the path of Mosquitto's daemon, or None."""
    places = ":".join(_MOSQUITTO_PLACES)
    return shutil.which("mosquitto") or shutil.which("mosquitto", path=places)


def _command(kind: Kind, port: int, folder: Path) -> list[str]:
    if kind == "embedded":
        if find_spec("amqtt") is None:
            raise MissingExtra("the embedded broker needs amqtt", "pip install 'edgeslm[demo]'")
        return [sys.executable, "-m", "edgeslm.fleet.broker", str(port)]
    program = find_mosquitto()
    if program is None:
        raise MissingExtra(
            "there is no Mosquitto on this machine", "sudo apt-get install mosquitto, or use the embedded broker"
        )
    config = folder / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n", encoding="utf-8")
    return [program, "-c", str(config)]


@contextlib.contextmanager
def _process(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        if process.stdin:
            process.stdin.close()
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until the port takes connections; False when the process ended or took too long."""
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.poll() is None:
        if _listening(port):
            return process.poll() is None
        time.sleep(0.05)
    return False


def _listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _serve(port: int) -> None:
    """Run amqtt until standard input ends."""
    import asyncio

    from amqtt.broker import Broker

    config = {
        "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    }

    async def main() -> None:
        broker = Broker(config)
        await broker.start()
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)
        await broker.shutdown()

    asyncio.run(main())


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
