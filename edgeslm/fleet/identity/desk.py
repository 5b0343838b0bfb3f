"""The desk: enrolment and renewal over HTTPS, two paths, bounded in bytes, time and company (PROTOCOL.md, I).

It is Python's own server, started when devices are to be enrolled (`edgeslm fleet enroll --serve`) and needed by
nothing else: a device whose renewal finds nobody has a third of its certificate's time to try again.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from edgeslm.fleet.identity.enrolment import redeem, renew
from edgeslm_agent.contract.enrolment import ENROLL_PATH, MAX_BYTES, RENEW_PATH
from edgeslm_agent.errors import ConfigError, EdgeSLMError, Refused, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from edgeslm.fleet.identity.authority import Authority
    from edgeslm.fleet.identity.pki import Certificate

_PATIENCE_S = 10.0  # for each read
_VISIT_S = 30.0  # for all of it, the handshake included
_COMPANY = 32  # at once; a board takes milliseconds


class Desk(ThreadingHTTPServer):
    """The desk of an authority, listening on `bind`; `notice` is told what it did, one line at a time."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(
        self,
        authority: Authority,
        bind: str = "",
        *,
        notice: Callable[[str], None] = lambda _line: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.address_family = socket.AF_INET6 if ":" in bind else socket.AF_INET
        super().__init__((bind, authority.settings.desk_port), _Visit)
        self.authority, self.notice, self.clock = authority, notice, clock
        self._company = threading.BoundedSemaphore(_COMPANY)
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(authority.broker / "broker.pem")
        # asked for, not demanded: who enrols has none yet, who renews proves with it who he is
        self._tls.verify_mode = ssl.CERT_OPTIONAL
        self._tls.load_verify_locations(authority.broker / "devices.pem")

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the base class's
        """Serve in a thread, or hang up when too many are here."""
        if self._company.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the base class's
        """Shake hands here, not where connections are accepted: one who is slow must not hold up the others."""
        try:
            request.settimeout(_PATIENCE_S)
            with (
                self._tls.wrap_socket(request, server_side=True, do_handshake_on_connect=False) as secured,
                _cut(secured),
            ):
                secured.do_handshake()
                super().process_request_thread(secured, client_address)
        except OSError as error:  # ssl.SSLError among them
            self.notice(f"{client_address[0]}: no TLS ({getattr(error, 'reason', None) or error})")
        finally:
            with contextlib.suppress(OSError):
                request.close()
            self._company.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401, ARG002 - the base class's
        """Say in a line that somebody hung up; the base class prints a traceback."""
        self.notice(f"{client_address[0]}: hung up")

    def answer(self, path: str, body: Mapping[str, object], presented: bytes | None) -> Certificate:
        """Return the certificate that a request gets. Raises what `redeem` and `renew` raise."""
        request = str(body.get("request", "")).encode()
        if path == ENROLL_PATH:
            return redeem(self.authority, str(body.get("token", "")), request, self.clock())
        if path != RENEW_PATH:
            raise UsageError("there is no such path", "update edgeslm on the device")
        if not presented:
            raise Refused("a renewal needs the present certificate", "enrol with a token")
        return renew(self.authority, presented, request, self.clock())


class _Visit(BaseHTTPRequestHandler):
    """One request and its answer; the connection ends with it."""

    server: Desk
    timeout = _PATIENCE_S
    server_version, sys_version = "edgeslm", ""

    def do_POST(self) -> None:
        """Answer a certificate, or say why not."""
        try:
            presented = self.connection.getpeercert(binary_form=True)
            made = self.server.answer(self.path, self._body(), presented)
        except EdgeSLMError as error:
            status = _STATUS.get(type(error), HTTPStatus.INTERNAL_SERVER_ERROR)
            self.server.notice(f"{self.client_address[0]}: {error.message}")
            self._answer(status, {"error": error.message, "hint": error.hint})
        else:
            self.server.notice(f"{self.client_address[0]}: certificate {made.serial} for {made.name}")
            self._answer(HTTPStatus.OK, {"certificate": made.pem.decode()})

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's
        """Say nothing: the desk's own notices name no token."""

    def _body(self) -> Mapping[str, object]:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MAX_BYTES:
            raise ConfigError(f"a request has 1 to {MAX_BYTES} bytes", "update edgeslm on the device")
        try:
            body = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError) as error:
            raise ConfigError("the request is not JSON", "update edgeslm on the device") from error
        if not isinstance(body, dict):
            raise ConfigError("the request is not an object", "update edgeslm on the device")
        return body

    def _answer(self, status: HTTPStatus, body: Mapping[str, str]) -> None:
        text = json.dumps(body).encode()
        self.close_connection = True
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


@contextlib.contextmanager
def _cut(visit: ssl.SSLSocket) -> Iterator[None]:
    """End a visit that takes too long: one byte every nine seconds would pass every other bound."""

    def cut() -> None:
        with contextlib.suppress(OSError):
            socket.socket.shutdown(visit, socket.SHUT_RDWR)

    timer = threading.Timer(_VISIT_S, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


_STATUS: dict[type[EdgeSLMError], HTTPStatus] = {
    UsageError: HTTPStatus.BAD_REQUEST,
    ConfigError: HTTPStatus.BAD_REQUEST,
    Refused: HTTPStatus.FORBIDDEN,
}


@contextlib.contextmanager
def serving(desk: Desk) -> Iterator[Desk]:
    """Serve in a thread for the block."""
    thread = threading.Thread(target=desk.serve_forever, name="enrolment-desk", daemon=True)
    thread.start()
    try:
        yield desk
    finally:
        desk.shutdown()
        thread.join()
        desk.server_close()
