"""The table of figures, in the code and in PROTOCOL.md."""

from __future__ import annotations

import re
from pathlib import Path

from edgeslm_agent.contract.fields import is_figure_name
from edgeslm_agent.contract.figures import FIGURES
from edgeslm_agent.contract.telemetry import MAX_FIGURES

_PROTOCOL = (Path(__file__).parents[4] / "device_agent/PROTOCOL.md").read_text(encoding="utf-8")


def test_protocol_prints_the_table() -> None:
    rows = [
        f"| `{one.name}` | {one.unit} | {one.meaning} | {f'`{one.otel}`' if one.otel else ''} |"
        for one in FIGURES.values()
    ]
    table = _PROTOCOL.partition("| figure | unit | meaning | OpenTelemetry |")[2].partition("\n\n")[0]
    assert table.splitlines()[2:] == rows


def test_all_figures_fit_into_one_sample() -> None:
    assert len(FIGURES) < MAX_FIGURES
    assert all(is_figure_name(name) for name in FIGURES)


def test_generative_figures_have_their_opentelemetry_names() -> None:
    named = {one.otel for one in FIGURES.values() if one.otel.startswith("gen_ai.")}
    assert named == {
        "gen_ai.server.time_to_first_token",
        "gen_ai.server.time_per_output_token",
        "gen_ai.server.request.duration",
        "gen_ai.client.token.usage",
    }
    assert all(re.fullmatch(r"[a-z_]+(\.[a-z_]+)+|", one.otel) for one in FIGURES.values())
