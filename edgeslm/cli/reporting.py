"""`--report FILE`: the choice as one HTML page, and as bars on the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeslm.cli import output
from edgeslm_agent.errors import UsageError
from edgeslm_agent.host.durable import write_durable
from edgeslm_agent.units import format_bytes

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Mapping

BAR = 24  # characters of the longest bar
READABLE = 0o644


def add_report_option(parser: ArgumentParser) -> None:
    """Add --report."""
    parser.add_argument("--report", type=Path, metavar="FILE", help="also write the choice as one HTML page")


def check_report(path: Path | None) -> None:
    """Return when a report can be written there, before anything long begins.

    Raises UsageError for a folder, or a file in a folder that does not exist.
    """
    if path is None:
        return
    if path.is_dir():
        raise UsageError(f"--report {path} is a folder", "name a file, such as report.html")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"--report {path}: there is no folder {path.parent}", "make it first, or name another file")


def write_report(path: Path | None, document: Mapping[str, Any]) -> None:
    """Write the page for a selection's document, whole or not at all."""
    if path is None:
        return
    from edgeslm.report.page import page

    write_durable(path, page(document).encode(), READABLE)
    output.story(f"report written to {path}")


def show_bars(document: Mapping[str, Any]) -> None:
    """Print memory, speed and divergence of candidates beside each other, where there are several.

    Those on the front are marked.
    """
    from edgeslm.report.points import points_of, speed_title

    points = points_of(document)
    if len(points) < 2:
        return
    full = max(point.peak_high for point in points)
    rows = [
        (
            point.label,
            point.standing,
            f"{_bar(point.peak, point.peak_high, full)} {format_bytes(point.peak)}",
            f"{point.speed:.3g}",
            "-" if point.kld_mean is None else f"{point.kld_mean:.3g}",
        )
        for point in points
    ]
    columns = (
        "candidate",
        "",
        f"peak memory (of {format_bytes(document['app_budget_bytes'])})",
        speed_title(document),
        "KL, nats",
    )
    output.table(columns, rows)


def _bar(value: float, high: float, full: float) -> str:
    solid = max(1, round(BAR * value / full))
    return ("█" * solid + "░" * (round(BAR * high / full) - solid)).ljust(BAR)
