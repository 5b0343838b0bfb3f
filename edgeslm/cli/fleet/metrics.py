"""`edgeslm fleet metrics`: show a collector's history to Prometheus."""

from __future__ import annotations

import signal
import threading
import time
from importlib import resources
from importlib.util import find_spec
from typing import TYPE_CHECKING

from edgeslm.cli import output

if TYPE_CHECKING:
    import argparse

    from edgeslm.fleet.history import History
    from edgeslm.fleet.view import DeviceView

SCHEMA = "edgeslm.fleet-metrics/1"
_LISTEN = "127.0.0.1:9464"
_EPILOG = """\
Prometheus scrapes http://HOST:PORT/metrics. Nothing there is secret but what your devices are: the endpoint listens on
this machine alone unless --listen says otherwise, and speaks plain HTTP.
examples:
  edgeslm fleet metrics --db fleet.sqlite
  edgeslm fleet metrics --dashboard > edgeslm.json        import it in Grafana, and choose your Prometheus"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.epilog = _EPILOG
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--db", metavar="FILE|URL", help="the history of `edgeslm fleet collect`")
    what.add_argument("--dashboard", action="store_true", help="print a Grafana dashboard of these metrics, and end")
    parser.add_argument("--listen", metavar="HOST:PORT", default=_LISTEN, help=f"where to answer (default {_LISTEN})")


def run(options: argparse.Namespace) -> int:
    """Print the dashboard, or serve until stopped."""
    if options.dashboard:
        output.result(resources.files("edgeslm.fleet").joinpath("grafana.json").read_text("utf-8").rstrip())
        return 0
    from edgeslm.fleet.history import History, parse_address
    from edgeslm_agent.errors import MissingExtra

    host, port = _address(options.listen)
    if find_spec("prometheus_client") is None:
        raise MissingExtra("metrics need prometheus_client", "pip install 'edgeslm[fleet]'")
    from edgeslm.fleet.metrics import FleetMetrics, server

    history = History(parse_address(options.db))
    try:
        with server(FleetMetrics(lambda: (_rows(history), history.totals())), host, port) as serving:
            for number in (signal.SIGTERM, signal.SIGINT):
                # from another thread: `shutdown` waits for the loop that the signal interrupted
                signal.signal(number, lambda *_: threading.Thread(target=serving.shutdown, daemon=True).start())
            _tell(options, f"http://{host}:{serving.server_port}/metrics", history.name)
            serving.serve_forever()
    finally:
        history.close()
    return 0


def _rows(history: History) -> tuple[DeviceView, ...]:
    from edgeslm.fleet.view import fleet_view
    from edgeslm_agent.contract.topics import EVERYWHERE

    return fleet_view(history.sightings(EVERYWHERE, time.time()))


def _address(text: str) -> tuple[str, int]:
    from edgeslm_agent.errors import UsageError

    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"'{text}' is not HOST:PORT", f"such as --listen {_LISTEN}")
    return host.strip("[]"), int(port)


def _tell(options: argparse.Namespace, url: str, database: str) -> None:
    if options.json:
        output.document(SCHEMA, {"state": "ready", "url": url, "db": database})
    else:
        output.result(f"metrics of {database} at {url}")
