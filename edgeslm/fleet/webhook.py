"""Tells a web address about alerts: one POST of one JSON document, bounded in size, time and tries."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from edgeslm_agent.errors import LinkError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edgeslm.fleet.alerts import Change

SCHEMA = "edgeslm.alerts/1"
MAX_CHANGES = 500  # in one document; `more` counts the rest
TRIES = 3
_TIMEOUT_S = 5.0


class Webhook:
    """An address that takes alerts. Raises UsageError when it cannot be one."""

    def __init__(self, url: str, sleep: Callable[[float], object] = time.sleep) -> None:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            host = None
        if not host or parts.scheme not in ("http", "https") or not url.isprintable() or " " in url:
            raise UsageError(f"'{url}' is not the address of a webhook", "such as --webhook https://host/path")
        self._host, self._port = host, port
        self._kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._sleep = sleep

    def post(self, changes: Sequence[Change]) -> None:
        """Deliver what was raised and cleared, again after 1 and 2 s when network or server (5xx, 429) are in trouble.

        Redirects are not followed. Raises LinkError when it was not taken.
        """
        body = _document(changes)
        problem = ""
        for attempt in range(TRIES):
            if attempt:
                self._sleep(float(attempt))
            try:
                status = self._status(body)
            except (OSError, http.client.HTTPException) as error:
                problem = str(error) or type(error).__name__
                continue
            if 200 <= status < 300:
                return
            problem = f"it answered {status}"
            if status < 500 and status != 429:
                break
        raise LinkError(f"the webhook took no alerts: {problem}", "check the address given with --webhook")

    def _status(self, body: bytes) -> int:
        connection = self._kind(self._host, self._port, timeout=_TIMEOUT_S)
        try:
            connection.request("POST", self._path, body, {"Content-Type": "application/json"})
            return connection.getresponse().status
        finally:
            connection.close()


def _document(changes: Sequence[Change]) -> bytes:
    alerts = [{"state": change.state, **asdict(change.alert)} for change in changes[:MAX_CHANGES]]
    return json.dumps({"schema": SCHEMA, "alerts": alerts, "more": max(len(changes) - MAX_CHANGES, 0)}).encode()
