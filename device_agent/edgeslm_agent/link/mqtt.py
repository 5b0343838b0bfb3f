"""The MQTT adapter, and the only file that imports paho. MQTT 5, or 3.1.1 where the broker speaks only that.

What forced its form (numbers of paho's issues, and what became of them, stand in README.md): a client object is used
for one connection, because at a reconnect paho resends all it holds (#492); its sockets are served by our own loop,
because paho's thread may hang after a TLS error while `is_connected` stays true (#891); callbacks only enqueue, because
a lock is held while they run (#354); errors inside them must not end the thread (#636); a PUBACK with a reason of 0x80
or more is a failure although paho drops the message; QoS 2 is never used (#382).
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

from edgeslm_agent.errors import EnvironmentProblem, LinkError, Refused, Unreachable
from edgeslm_agent.link.loop import SocketLoop
from edgeslm_agent.link.transport import Connected, Delivered, Lost, Outgoing, Received, Subscribed

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence

    import paho.mqtt.client as paho
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

    from edgeslm_agent.link.address import Address
    from edgeslm_agent.link.transport import Event, SessionOptions, Sink

_CONNECT_TIMEOUT_S = 8.0
_MQTT_5 = 5  # protocol levels in CONNECT; 4 is MQTT 3.1.1
_FAILURE = 0x80  # reason codes from here on say no
_CLOSE_S = 2.0
_SPEAKS_ONLY_311 = frozenset({"Unsupported protocol version", "Malformed packet", "Protocol error"})
_BAD_LOGIN = frozenset({"Bad user name or password", "Not authorized", "Bad authentication method", "Banned"})


class MqttTransport:
    """A broker at an address. It remembers which version of MQTT the broker speaks, unless the address fixes it.

    `loop` serves the sockets; many transports may share one.
    """

    def __init__(self, address: Address, loop: SocketLoop | None = None) -> None:
        self._address = address
        self._version = address.version or _MQTT_5
        self._loop = loop or SocketLoop()

    @property
    def name(self) -> str:
        """The broker's URL without secrets."""
        return str(self._address)

    def open(self, options: SessionOptions, sink: Sink) -> MqttConnection:
        """Begin to connect in a thread of its own."""
        return MqttConnection(
            self._address, self._version, options, sink, misunderstood=self._other_version, loop=self._loop
        )

    def _other_version(self) -> None:
        """Try the other version next: a 3.1.1 broker may refuse MQTT 5, hang up, or wait for more and say nothing."""
        if self._address.version is None:
            self._version = 4 if self._version == _MQTT_5 else _MQTT_5


class MqttConnection:
    """One paho client, for one connection."""

    def __init__(
        self,
        address: Address,
        version: int,
        options: SessionOptions,
        sink: Sink,
        *,
        misunderstood: Callable[[], None],
        loop: SocketLoop,
    ) -> None:
        self._address = address
        self._options = options
        self._sink = sink
        self._misunderstood = misunderstood
        self._loop = loop
        self._reached = False  # the TCP connection stands
        self._heard = time.monotonic()
        self._answered = False  # the broker sent a CONNACK
        self._over = threading.Event()
        self._lock = threading.Lock()  # between connecting and closing
        self._closed = False
        self._filters: dict[int, tuple[str, ...]] = {}
        self._client = _client(version, options)
        self._bind()
        threading.Thread(target=self._connect, name="mqtt-connect", daemon=True).start()

    # --- the port ---

    def publish(self, message: Outgoing) -> int:
        """Hand over with QoS 1. On a dead connection the message simply stays unconfirmed; Lost follows."""
        info = self._client.publish(
            message.topic, message.payload, qos=1, retain=message.retain, properties=self._publish_properties(message)
        )
        self._loop.touch(self)
        return info.mid

    def subscribe(self, filters: Sequence[str]) -> None:
        """Ask for all filters in one packet; without any, the answer is immediate."""
        if not filters:
            self._sink(Subscribed())
            return
        _, mid = self._client.subscribe([(name, 1) for name in filters])
        if mid is not None:
            self._filters[mid] = tuple(filters)
        self._loop.touch(self)

    def acknowledge(self, received: Received) -> None:
        """Send the PUBACK of a message that came with QoS 1."""
        if isinstance(received.handle, int):
            self._client.ack(received.handle, 1)
            self._loop.touch(self)

    def silent_s(self) -> float:
        """Seconds since anything came from the broker, a PINGRESP included."""
        return time.monotonic() - self._heard

    def close(self) -> None:
        """Send DISCONNECT and wait for its departure; a connection that is stuck is cut instead."""
        self._sink = _ignore
        with self._lock:
            self._closed = True
            reached = self._reached
        if reached:  # else the connecting thread cleans up
            if not self._answered and not self._over.is_set():
                self._misunderstood()
            self._client.disconnect()
            self._loop.touch(self)
            if not self._over.wait(_CLOSE_S):
                self.cut()
        self._unbind()

    def cut(self) -> None:
        """End without a word, as a power cut does: the broker publishes the will. Lost follows."""
        with self._lock:
            self._closed = True  # for a thread that is still connecting
        raw = self._client.socket()
        if isinstance(raw, socket.socket):
            with contextlib.suppress(OSError):  # it may be gone already
                raw.shutdown(socket.SHUT_RDWR)

    # --- what the loop asks ---

    def fileno(self) -> int:
        """Return the socket's descriptor, -1 once it is closed."""
        raw = self._client.socket()
        return -1 if raw is None else raw.fileno()

    def serve(self, *, readable: bool) -> bool:
        """Read what came, write what waits; return whether some of it still waits for room in the socket."""
        try:
            if readable:
                self._read()
            if self._client.want_write():
                self._client.loop_write()
            return self._client.want_write()
        except Exception as error:  # noqa: BLE001 - a surprise of paho's ends this connection, not the others
            self._break(error)
            return False

    def tick(self) -> None:
        """Let paho send its PINGREQ."""
        with contextlib.suppress(Exception):  # what is broken shows when the socket is read
            self._client.loop_misc()

    def _read(self) -> None:
        while (raw := self._client.socket()) is not None:
            if self._client.loop_read() == 0:
                self._heard = time.monotonic()
            # bytes that TLS has decrypted already do not make the socket readable again
            if not getattr(raw, "pending", int)():
                return

    def _break(self, error: Exception) -> None:
        raw = self._client.socket()
        if isinstance(raw, socket.socket):
            raw.close()
        self._over.set()
        self._sink(Lost(_unreachable(self._address, error)))

    # --- connecting ---

    def _connect(self) -> None:
        import paho.mqtt.client as paho

        try:
            if self._address.tls:
                self._client.tls_set_context(_tls_context(self._address))
            login = self._address.credentials
            if login.username is not None:
                self._client.username_pw_set(login.username, login.password)
            self._client.connect(
                self._address.host,
                self._address.port,
                self._options.keepalive_s,
                clean_start=self._options.clean
                if self._client.protocol == _MQTT_5
                else paho.MQTT_CLEAN_START_FIRST_ONLY,
                properties=self._connect_properties(),
            )
            with self._lock:
                self._reached = not self._closed
            if not self._reached:
                self._client.disconnect()
            self._loop.touch(self)
        except LinkError as error:
            self._sink(Lost(error))
        except EnvironmentProblem as error:
            self._sink(Lost(Refused(error.message, error.hint)))
        except (OSError, ValueError) as error:
            self._sink(Lost(_unreachable(self._address, error)))

    def _connect_properties(self) -> Properties | None:
        if self._client.protocol != _MQTT_5:
            return None
        properties = _properties("CONNECT")
        properties.SessionExpiryInterval = self._options.expiry_s
        properties.ReceiveMaximum = self._options.receive_maximum
        return properties

    def _publish_properties(self, message: Outgoing) -> Properties | None:
        if self._client.protocol != _MQTT_5 or message.expiry_s is None:
            return None
        properties = _properties("PUBLISH")
        properties.MessageExpiryInterval = max(int(message.expiry_s), 1)
        return properties

    # --- paho's callbacks: enqueue and nothing else ---

    def _bind(self) -> None:
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message
        self._client.on_publish = self._on_publish
        self._client.on_subscribe = self._on_subscribe
        self._client.on_socket_open = _send_at_once
        self._client.on_socket_register_write = _leave_to_the_loop

    def _unbind(self) -> None:
        # the client holds us and we hold it: left so, its sockets stay open until the garbage collector comes by
        self._client.on_connect = None
        self._client.on_disconnect = None
        self._client.on_message = None
        self._client.on_publish = None
        self._client.on_subscribe = None

    def _on_connect(
        self, _client: object, _data: object, flags: paho.ConnectFlags, reason: ReasonCode, properties: object
    ) -> None:
        self._answered = True
        if reason.value >= _FAILURE:
            if reason.getName() in _SPEAKS_ONLY_311:
                self._misunderstood()
            self._sink(Lost(_refused(self._address, reason.getName())))
            return
        receive_maximum = getattr(properties, "ReceiveMaximum", 65535)
        max_packet = getattr(properties, "MaximumPacketSize", 2**28)
        self._sink(Connected(bool(flags.session_present), receive_maximum, max_packet))

    def _on_disconnect(
        self, _client: object, _data: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        self._over.set()
        if not self._answered:
            self._misunderstood()
        hint = "the link is retried" if self._answered else _silent_hint(self._address)
        self._sink(Lost(Unreachable(f"{self._address} closed the connection ({reason.getName()})", hint)))

    def _on_message(self, client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""  # no topic of ours; the receiver counts it
        handle = message.mid if message.qos == 1 else None
        taken = self._sink(Received(topic, bytes(message.payload), message.retain, handle))
        if not taken and handle is not None:
            client.ack(handle, 1)  # dropped and counted; unacknowledged it would use up our Receive Maximum

    def _on_publish(self, _client: object, _data: object, mid: int, reason: ReasonCode, _properties: object) -> None:
        self._sink(Delivered(mid, reason.getName() if reason.value >= _FAILURE else None))

    def _on_subscribe(
        self, _client: object, _data: object, mid: int, reasons: list[ReasonCode], _properties: object
    ) -> None:
        filters = self._filters.pop(mid, ())
        refused = (name for name, reason in zip(filters, reasons, strict=False) if reason.value >= _FAILURE)
        self._sink(Subscribed(tuple(refused)))


def _send_at_once(_client: object, _data: object, opened: object) -> None:
    """Turn Nagle's algorithm off: it holds a small packet until the one before it is acknowledged, 40 ms on Linux."""
    if isinstance(opened, socket.socket):
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _properties(packet: str) -> Properties:
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties

    properties: Properties = Properties(getattr(PacketTypes, packet))  # type: ignore[no-untyped-call]  # paho's
    return properties


def _client(version: int, options: SessionOptions) -> paho.Client:
    import paho.mqtt.client as paho
    from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

    client = paho.Client(
        CallbackAPIVersion.VERSION2,
        client_id=options.client_id,
        clean_session=None if version == _MQTT_5 else options.clean,
        protocol=MQTTProtocolVersion.MQTTv5 if version == _MQTT_5 else MQTTProtocolVersion.MQTTv311,
        reconnect_on_failure=False,
        manual_ack=True,
    )
    client.suppress_exceptions = True
    client.connect_timeout = _CONNECT_TIMEOUT_S
    client.max_inflight_messages = 65535  # the endpoint's window bounds this; paho must not queue behind our back
    if options.will is not None:
        client.will_set(options.will.topic, options.will.payload, qos=1, retain=options.will.retain)
    return client


def _tls_context(address: Address) -> ssl.SSLContext:
    import ssl

    secrets = address.credentials
    try:
        context = ssl.create_default_context(cafile=str(secrets.ca) if secrets.ca else None)
        if secrets.certificate and secrets.key:
            context.load_cert_chain(secrets.certificate, secrets.key)
    except (OSError, ssl.SSLError) as error:
        raise EnvironmentProblem(
            f"the TLS credentials cannot be used: {error}", "check ca.pem, cert.pem and key.pem"
        ) from error
    return context


def _refused(address: Address, reason: str) -> Refused:
    if reason in _BAD_LOGIN:
        return Refused(
            f"{address} refused the login ({reason})",
            "put user:password@ before the host, or name a folder with --credentials that holds a file login",
        )
    return Refused(f"{address} refused the connection ({reason})", "look into the broker's log")


def _silent_hint(address: Address) -> str:
    if address.tls:
        return "is it an MQTT broker, and does it ask for a client's cert.pem and key.pem (--credentials)?"
    return "is it an MQTT broker, and is mqtt:// right where mqtts:// may be meant?"


def _unreachable(address: Address, error: Exception) -> Unreachable:
    hints = {
        ConnectionRefusedError: "start the broker, or check the port",
        TimeoutError: "check the host name, the network and the firewall",
        socket.gaierror: "check the host name",
    }
    hint = next((text for kind, text in hints.items() if isinstance(error, kind)), "")
    if type(error).__module__ == "ssl" or (address.tls and isinstance(error, ConnectionResetError)):
        hint = "the TLS handshake failed: is the CA in the credentials folder (ca.pem), and is it a TLS port?"
    return Unreachable(f"nobody usable at {address}: {error}", hint or "check the URL of the broker")


def _leave_to_the_loop(_client: object, _data: object, _sock: object) -> None:
    """Keep paho from writing in the thread that publishes: while this is set, it leaves that to an outer loop."""


def _ignore(_event: Event) -> bool:
    return True
