"""The fleet as Prometheus metrics, read from a collector's history; the home of prometheus_client.

Every device has one `edgeslm_device_info` with what it is and runs as labels; all its figures have `fleet` and `device`
alone, so that an update of its model does not begin new series. Figures the contract does not know are left out: a
device cannot invent metrics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily

from edgeslm.fleet.flags import ALERTS
from edgeslm_agent.contract.figures import FIGURES
from edgeslm_agent.contract.topics import parse_device_id
from edgeslm_agent.errors import EnvironmentProblem, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from prometheus_client.metrics_core import Metric

    from edgeslm.fleet.view import DeviceView

_LABELS = ("fleet", "device")
_INFO = ("model", "variant", "bundle", "board", "profile", "agent")
_SLOWEST_REQUEST_S = 10.0


class FleetMetrics:
    """Turns rows into metric families whenever somebody asks; `look` returns the rows and the history's counters."""

    def __init__(self, look: Callable[[], tuple[Sequence[DeviceView], Mapping[str, int]]]) -> None:
        self._look = look

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of every device. Raises what `look` raises."""
        rows, totals = self._look()
        yield _info(rows)
        yield _gauge(
            "edgeslm_device_up", "1 when the device is online", ((r, float(r.state == "online")) for r in rows)
        )
        aged = ((row, row.sample_age_s) for row in rows)
        yield _gauge("edgeslm_device_sample_age_seconds", "age of its latest sample", aged)
        yield _flags(rows)
        for name, figure in FIGURES.items():
            values = ((row, row.figures.get(name)) for row in rows)
            yield _gauge(f"edgeslm_device_{name}", f"{figure.meaning} ({figure.unit})", values)
        for name, value in totals.items():
            words = "".join(letter if letter.isalnum() else "_" for letter in name)
            yield CounterMetricFamily(f"edgeslm_history_{words}", f"{name}, since the history began", value=value)


def server(metrics: FleetMetrics, host: str, port: int) -> WSGIServer:
    """Return a server of /metrics, one request at a time; `serve_forever` runs it.

    Raises UsageError when the address cannot be listened on.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(metrics)
    try:
        return make_server(host, port, _answering(make_wsgi_app(registry)), handler_class=_Handler)
    except OSError as error:
        raise UsageError(f"cannot listen on {host}:{port}: {error.strerror}", "choose another --listen") from error


def _answering(app: WSGIApplication) -> WSGIApplication:
    """Answer 503 while the history is away: Prometheus then shows the target as down."""

    def answer(environment: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        try:
            return app(environment, start)
        except EnvironmentProblem as error:
            start("503 Service Unavailable", [("Content-Type", "text/plain; charset=utf-8")])
            return [f"{error.message}\n".encode()]

    return answer


class _Handler(WSGIRequestHandler):
    timeout = _SLOWEST_REQUEST_S  # a client that asks and never ends its request holds nobody up for longer

    def log_message(self, *_: object) -> None:
        """Say nothing: Prometheus asks every few seconds."""


def _info(rows: Iterable[DeviceView]) -> InfoMetricFamily:
    family = InfoMetricFamily("edgeslm_device", "what a device is and runs", labels=_LABELS)
    for row in rows:
        family.add_metric(_who(row), {name: str(getattr(row, name) or "") for name in _INFO})
    return family


def _flags(rows: Iterable[DeviceView]) -> GaugeMetricFamily:
    family = GaugeMetricFamily("edgeslm_device_alert", "1 while an alert stands", labels=(*_LABELS, "alert"))
    for row in rows:
        for flag in row.flags:
            if flag.name in ALERTS:
                family.add_metric((*_who(row), flag.name), 1.0)
    return family


def _gauge(name: str, text: str, values: Iterable[tuple[DeviceView, float | None]]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=_LABELS)
    for row, value in values:
        if value is not None:
            family.add_metric(_who(row), value)
    return family


def _who(row: DeviceView) -> tuple[str, str]:
    device = parse_device_id(row.device)
    return device.fleet, device.device
