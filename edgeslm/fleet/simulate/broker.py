"""A Mosquitto of our own, as it is configured out of the box, that can be killed hard and started again."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from typing import TYPE_CHECKING

from edgeslm.fleet.broker import find_mosquitto
from edgeslm_agent.errors import MissingExtra, Unreachable

if TYPE_CHECKING:
    from pathlib import Path

_START_S = 30.0


class OwnBroker:
    """The daemon and its port. Raises MissingExtra without the program, Unreachable when it does not come up."""

    def __init__(self, folder: Path) -> None:
        program = find_mosquitto()
        if program is None:
            raise MissingExtra(
                "a simulation needs a broker", "sudo apt-get install mosquitto, or name one with --broker"
            )
        # keeps the port ours while nobody listens; Mosquitto may listen beside it because it sets SO_REUSEADDR
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.bind(("127.0.0.1", 0))
        self.port: int = self._held.getsockname()[1]
        config = folder / "mosquitto.conf"
        config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n", encoding="utf-8")
        self._command = [program, "-c", str(config)]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The daemon's process, 0 while there is none."""
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Start it and wait until it listens."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise Unreachable("Mosquitto did not come up", f"run it by hand to see why: {' '.join(self._command)}")

    def kill(self) -> None:
        """SIGKILL: no goodbye, no wills, nothing written."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """End it for good."""
        with contextlib.suppress(OSError):
            self.kill()
        self._held.close()
