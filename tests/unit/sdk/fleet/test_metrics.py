"""What Prometheus reads of a fleet, and whether the dashboard asks for what is there."""

from __future__ import annotations

import json
import re
import threading
from contextlib import contextmanager
from http.client import HTTPConnection
from importlib import resources
from typing import TYPE_CHECKING

import pytest
from grafana_foundation_sdk.models.dashboard import Dashboard
from prometheus_client.parser import text_string_to_metric_families

from edgeslm.fleet.metrics import FleetMetrics, server
from edgeslm.fleet.view import DeviceView, fleet_view
from edgeslm_agent.contract.figures import FIGURES
from edgeslm_agent.errors import EnvironmentProblem, UsageError
from support.sightings import seen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

TOTALS = {"samples": 12, "malformed: topic": 1, "devices": 2}
Look = tuple["Sequence[DeviceView]", "Mapping[str, int]"]


def rows() -> tuple[DeviceView, ...]:
    return fleet_view([seen("a", temperature_c=91.0, decode_tps=12.5), seen("b", age_s=None)])


@contextmanager
def answers(look: Callable[[], Look]) -> Iterator[Callable[[str], tuple[int, str]]]:
    with server(FleetMetrics(look), "127.0.0.1", 0) as serving:
        thread = threading.Thread(target=serving.serve_forever, args=(0.01,))
        thread.start()

        def get(path: str) -> tuple[int, str]:
            connection = HTTPConnection("127.0.0.1", serving.server_port, timeout=10)
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

        try:
            yield get
        finally:
            serving.shutdown()
            thread.join()


def test_prometheus_reads_every_device() -> None:
    with answers(lambda: (rows(), TOTALS)) as get:
        status, text = get("/metrics")
    assert status == 200
    found = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    one = frozenset({("device", "a"), ("fleet", "home")})
    assert found["edgeslm_device_up", one] == 1.0
    assert found["edgeslm_device_decode_tps", one] == 12.5
    assert found["edgeslm_device_alert", one | {("alert", "hot")}] == 1.0
    assert found["edgeslm_history_samples_total", frozenset()] == 12.0
    assert found["edgeslm_history_malformed__topic_total", frozenset()] == 1.0
    (about,) = [labels for name, labels in found if name == "edgeslm_device_info" and one <= labels]
    assert ("model", "home") in about
    assert not any("first_token_s" in name for name, _ in found), "nobody reported it"


def test_a_figure_that_nobody_agreed_on_is_no_metric() -> None:
    with answers(lambda: (fleet_view([seen("a", made_up=1.0)]), {})) as get:
        assert "made_up" not in get("/metrics")[1]


def test_history_that_is_away_is_503_and_comes_back() -> None:
    gone = [True]

    def look() -> Look:
        if gone:
            raise EnvironmentProblem("the database is away", "start it")
        return rows(), {}

    with answers(look) as get:
        assert get("/metrics") == (503, "the database is away\n")
        gone.clear()
        assert get("/metrics")[0] == 200


def test_address_in_use_is_said() -> None:
    with answers(lambda: ((), {})) as get:
        assert get("/metrics")[0] == 200
        with server(FleetMetrics(lambda: ((), {})), "127.0.0.1", 0) as other, pytest.raises(UsageError, match="listen"):
            server(FleetMetrics(lambda: ((), {})), "127.0.0.1", other.server_port)


def dashboard() -> dict[str, object]:
    text = resources.files("edgeslm.fleet").joinpath("grafana.json").read_text("utf-8")
    document: dict[str, object] = json.loads(text)
    return document


def test_grafana_can_read_the_dashboard() -> None:
    read = Dashboard.from_json(dashboard())
    assert read.title == "edgeslm fleet"
    assert read.panels is not None
    numbers = [panel.id_val for panel in read.panels]
    assert len(numbers) == len(set(numbers)) > 10
    assert all(panel.targets for panel in read.panels)


def test_dashboard_asks_only_for_metrics_that_exist() -> None:
    asked = set(re.findall(r"edgeslm_[a-z_]+", json.dumps(dashboard()["panels"])))
    families = FleetMetrics(lambda: (rows(), TOTALS)).collect()
    known = {sample for family in families for sample in (family.name, f"{family.name}_total", f"{family.name}_info")}
    known |= {f"edgeslm_device_{name}" for name in FIGURES}
    assert asked <= known
    assert len(asked) > 10
