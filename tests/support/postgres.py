"""A real PostgreSQL of the test's own: a cluster in a folder, on a Unix socket alone, killed hard and started again.

PostgreSQL refuses to run as root, so root's tests run it as the user that its package made.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_HOW = "PostgreSQL is missing: run `sudo apt-get install -y postgresql`, or `make test`, which does"
_OWNER = "postgres"
_PLACES = "/usr/lib/postgresql"  # Debian keeps the server's programs off the PATH, in a folder a version


class Postgres:
    """One cluster; `database()` makes an empty database in it and returns its URL."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._programs = _programs()
        self._numbers = itertools.count()
        if os.geteuid() == 0:
            owner = pwd.getpwnam(_OWNER)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        setup = ("--username=edgeslm", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
        self._run("initdb", "-D", f"{folder}/data", *setup)

    def start(self) -> None:
        """Start and wait until it answers."""
        listening = f"-k {self._folder} -c listen_addresses=''"
        self._run("pg_ctl", "-D", f"{self._folder}/data", "-l", f"{self._folder}/log", "-o", listening, "-w", "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop: `fast` in good order, `immediate` as a crash would."""
        self._run("pg_ctl", "-D", f"{self._folder}/data", "-w", "-m", mode, "stop")

    def database(self, *options: str) -> str:
        """Make an empty database and return its URL."""
        name = f"test_{next(self._numbers)}"
        with psycopg.connect(self._url("postgres"), autocommit=True) as server:
            server.execute(f"CREATE DATABASE {name} {' '.join(options)}".encode())
        return self._url(name)

    def _url(self, database: str) -> str:
        return f"postgresql://edgeslm@/{database}?host={self._folder}"

    def _run(self, program: str, *arguments: str) -> None:
        command: Sequence[str] = [str(self._programs / program), *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", _OWNER, "--", *command]
        # not to a pipe: the server would hold it open
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self._folder)


@contextlib.contextmanager
def postgres() -> Iterator[Postgres]:
    """Run a PostgreSQL for the block. Its folder's name is short: that of a socket has 107 characters at most."""
    folder = Path(tempfile.mkdtemp(prefix="edgeslm-pg-", dir="/tmp"))
    try:
        made = Postgres(folder)
        made.start()
        try:
            yield made
        finally:
            made.stop()
    finally:
        shutil.rmtree(folder)


def _programs() -> Path:
    found = [Path(path).parent for path in (shutil.which("initdb"),) if path]
    found += sorted(Path(_PLACES).glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    whole = [path for path in found if (path / "initdb").exists() and (path / "pg_ctl").exists()]
    assert whole, _HOW
    return whole[0]
