"""Alerts posted to a web address: tries, refusals, bounds; against a real HTTP server on this machine."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from edgeslm.fleet.alerts import Alert, Change
from edgeslm.fleet.webhook import MAX_CHANGES, TRIES, Webhook
from edgeslm_agent.errors import LinkError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

HOT = Change("raised", Alert("home/a", "hot", "90 C, 80 or more"))


@contextlib.contextmanager
def server(*answers: int) -> Iterator[tuple[str, list[Any]]]:
    """Answer with each status in turn; yields the address and the documents that came."""
    came: list[Any] = []
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(left.pop(0))
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_words: object) -> None:
            pass

    web = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=web.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{web.server_port}/hook?key=1", came
    finally:
        web.shutdown()
        thread.join()
        web.server_close()


def test_alerts_are_posted_once() -> None:
    with server(204) as (url, came):
        Webhook(url).post([HOT])
    alert = {"state": "raised", "device": "home/a", "name": "hot", "reason": "90 C, 80 or more"}
    assert came == [{"schema": "edgeslm.alerts/1", "alerts": [alert], "more": 0}]


def test_server_in_trouble_is_asked_again() -> None:
    slept: list[float] = []
    with server(503, 429, 200) as (url, came):
        Webhook(url, slept.append).post([HOT])
    assert (len(came), slept) == (3, [1.0, 2.0])


@pytest.mark.slow
@pytest.mark.parametrize(("answers", "tries"), [([404], 1), ([302], 1), ([500] * TRIES, TRIES)])
def test_refusal_is_an_error_after_bounded_tries(answers: list[int], tries: int) -> None:
    with server(*answers) as (url, came), pytest.raises(LinkError, match=f"it answered {answers[-1]}"):
        Webhook(url, lambda _seconds: None).post([HOT])
    assert len(came) == tries


def test_nobody_there_is_an_error() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, not listening
        slept: list[float] = []
        with pytest.raises(LinkError, match="took no alerts"):
            Webhook(f"http://127.0.0.1:{closed.getsockname()[1]}/", slept.append).post([HOT])
    assert len(slept) == TRIES - 1


def test_document_is_bounded() -> None:
    with server(200) as (url, came):
        Webhook(url).post([HOT] * (MAX_CHANGES + 7))
    assert (len(came[0]["alerts"]), came[0]["more"]) == (MAX_CHANGES, 7)


@pytest.mark.parametrize(
    "url", ["", "host", "ftp://host/", "http://", "http://[x", "http://host:99999/", "http://a b/"]
)
def test_address_that_is_none_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError, match="webhook"):
        Webhook(url)
