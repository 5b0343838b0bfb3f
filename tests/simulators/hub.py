"""A hub on this machine: repositories at commits, served as huggingface.co serves files, range requests included.

It answers HEAD and GET of /OWNER/NAME/resolve/REVISION/FILE with the headers huggingface_hub reads, and keeps a record
of what was asked. Source: huggingface_hub's file_download.py and utils/_http.py (X-Repo-Commit, ETag, X-Error-Code).
"""

from __future__ import annotations

import hashlib
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

COMMIT = "5" * 40


@dataclass
class Repository:
    """Files of one commit, and the revisions that stand for it; a gated one answers 403."""

    files: dict[str, bytes]
    revisions: tuple[str, ...] = ("main", "v1.0")
    gated: bool = False

    @staticmethod
    def of_folder(folder: Path) -> Repository:
        """Return the files of a folder."""
        return Repository({path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()})


@dataclass(frozen=True)
class Request:
    """What was asked, and how many bytes of the file were sent."""

    method: str
    file: str
    range: str | None
    sent: int


@dataclass
class Hub:
    """The server's state. The whole of a file in `broken_after` is cut there; then every GET of it fails."""

    repositories: Mapping[str, Repository]
    requests: list[Request] = field(default_factory=list)
    broken_after: dict[str, int] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)
    url: str = ""

    def mend(self) -> None:
        """Serve everything again."""
        self.broken_after.clear()
        self.down.clear()

    def asked(self, file: str, method: str = "GET") -> list[Request]:
        """Return the requests for one file."""
        return [request for request in self.requests if request.file == file and request.method == method]


@contextmanager
def running(hub: Hub) -> Iterator[Hub]:
    """Serve on a free port until the block ends; `hub.url` is where."""

    class Handler(_Handler):
        state = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    state: Hub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        owner, name, _, revision, file = self.path.lstrip("/").split("/", 4)
        repository = self.state.repositories.get(f"{owner}/{name}")
        if repository is None:
            self._refuse(401, "RepoNotFound")
        elif repository.gated:
            self._refuse(403, "GatedRepo")
        elif revision not in {*repository.revisions, COMMIT}:
            self._refuse(404, "RevisionNotFound")
        elif file not in repository.files:
            self._refuse(404, "EntryNotFound")
        elif file in self.state.down and self.command == "GET":
            self._refuse(503, "Down")
        else:
            self._serve(file, repository.files[file])

    def _serve(self, file: str, data: bytes) -> None:
        asked = self.headers.get("Range")
        first, last = 0, len(data) - 1
        if asked is not None:
            start, _, end = asked.removeprefix("bytes=").partition("-")
            first, last = int(start), min(int(end or last), last)
        body = data[first : last + 1]
        body = body if self.command == "GET" else b""
        cut = self._cut(file, asked) if body else None
        self.state.requests.append(Request(self.command, file, asked, len(body[:cut])))
        self.send_response(200 if asked is None else 206)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(last + 1 - first))
        if asked is not None:
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
        self.end_headers()
        self.wfile.write(body[:cut])
        self.close_connection = cut is not None

    def _cut(self, file: str, asked: str | None) -> int | None:
        """Return after how many bytes to hang up, if this asks for the whole of a file that is to break."""
        cut = self.state.broken_after.pop(file, None) if asked is None or asked.endswith("-") else None
        if cut is not None:
            self.state.down.add(file)
        return cut

    def _refuse(self, status: int, code: str) -> None:
        self.state.requests.append(Request(self.command, self.path.rsplit("/", 1)[-1], self.headers.get("Range"), 0))
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it
        """Say nothing: the record is what tests read."""
