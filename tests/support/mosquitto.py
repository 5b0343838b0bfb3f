"""A real Mosquitto on a free port, started, killed hard and started again on the same port."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from support.waiting import PATIENCE_S, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

_HOW = "Mosquitto is missing: run `sudo apt-get install -y mosquitto`, or `make test`, which does"


class Mosquitto:
    """The daemon with its own configuration; `password` demands the login user:PASSWORD."""

    def __init__(self, folder: Path, *, password: str | None = None, extra: str = "") -> None:
        program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
        assert program is not None, _HOW
        self._program = program
        self._held = held_port()
        self.port: int = self._held.getsockname()[1]
        self._config = folder / "mosquitto.conf"
        lines = [
            f"listener {self.port} 127.0.0.1",
            "persistence false",
            "set_tcp_nodelay true",
            f"allow_anonymous {str(password is None).lower()}",
        ]
        if password is not None:
            self._make_login(folder / "logins", password)
            lines.append(f"password_file {folder / 'logins'}")
        if Path("/proc").exists() and _is_root():
            lines.append("user root")  # else it gives up the right to read its files in the test's folder
        self._config.write_text("\n".join([*lines, extra]) + "\n", encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address for clients."""
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start and wait until it listens."""
        self._process = subprocess.Popen(
            [self._program, "-c", str(self._config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        eventually(self._listens, "mosquitto listens")

    def kill(self) -> None:
        """SIGKILL: no goodbye, no last wills, nothing written."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, and the port is anybody's again."""
        self._end(signal.SIGTERM)
        self._held.close()

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(PATIENCE_S)
            self._process = None

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "mosquitto ended at once"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _make_login(self, path: Path, password: str) -> None:
        tool = shutil.which("mosquitto_passwd") or str(Path(self._program).with_name("mosquitto_passwd"))
        subprocess.run([tool, "-b", "-c", str(path), "user", password], check=True, capture_output=True)


@contextlib.contextmanager
def mosquitto(folder: Path, *, password: str | None = None, extra: str = "") -> Iterator[Mosquitto]:
    """Run a Mosquitto for the block."""
    broker = Mosquitto(folder, password=password, extra=extra)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


def held_port() -> socket.socket:
    """Return a socket that keeps a port of the loopback interface for us until it is closed, and does not listen.

    Who connects there is refused. Linux gives the port to nobody else, not even while a daemon on it is killed and
    started again; the daemon itself may listen beside us because it sets SO_REUSEADDR, as Mosquitto does.
    """
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    return held


@contextlib.contextmanager
def nobody() -> Iterator[str]:
    """Give the address of a broker that is not there, for the block."""
    with held_port() as held:
        yield f"mqtt://127.0.0.1:{held.getsockname()[1]}"


def _is_root() -> bool:
    import os

    return os.geteuid() == 0
