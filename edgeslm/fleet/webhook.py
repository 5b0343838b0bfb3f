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

    from edgeslm.fleet.view import Alert

SCHEMA = "edgeslm.alerts/1"
MAX_ALERTS = 500  # in one document; `more` counts the rest
TRIES = 3
_TIMEOUT_S = 5.0


def post(url: str, alerts: Sequence[Alert], sleep: Callable[[float], object] = time.sleep) -> None:
    """Deliver the alerts, trying again after 1 and 2 s when the network or the server (5xx, 429) is in trouble.

    Redirects are not followed. Raises UsageError for an address that is none, LinkError when it was not taken.
    """
    body = json.dumps(
        {
            "schema": SCHEMA,
            "alerts": [asdict(alert) for alert in alerts[:MAX_ALERTS]],
            "more": max(len(alerts) - MAX_ALERTS, 0),
        }
    ).encode()
    connect, path = _connection(url)
    problem = ""
    for attempt in range(TRIES):
        if attempt:
            sleep(float(attempt))
        try:
            status = _status(connect(), path, body)
        except (OSError, http.client.HTTPException) as error:
            problem = str(error) or type(error).__name__
            continue
        if 200 <= status < 300:
            return
        problem = f"it answered {status}"
        if status < 500 and status != 429:
            break
    raise LinkError(f"the webhook took no alerts: {problem}", "check the address given with --webhook")


def _status(connection: http.client.HTTPConnection, path: str, body: bytes) -> int:
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        return connection.getresponse().status
    finally:
        connection.close()


def _connection(url: str) -> tuple[Callable[[], http.client.HTTPConnection], str]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme not in ("http", "https") or not url.isprintable() or " " in url:
        raise UsageError(f"'{url}' is not the address of a webhook", "such as --webhook https://host/path")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return lambda: kind(host, port, timeout=_TIMEOUT_S), path
