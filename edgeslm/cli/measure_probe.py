"""`edgeslm measure --probe`: what this machine reaches, without a model, for plans to be made with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm.cli import output
from edgeslm_agent.errors import ConfigError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from pathlib import Path

    from edgeslm.profiler.probe.record import Record


def configure(parser: ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--probe", action="store_true", help="time random graphs for 90 s at most; plans for --device use the result"
    )


def run(options: Namespace) -> int:
    """Probe and keep the record, joined with earlier ones; interrupted, what was there before stays."""
    from edgeslm import catalog
    from edgeslm.catalog.probes import probe_of
    from edgeslm.profiler.probe.record import write_record
    from edgeslm.profiler.probe.session import probe, turn_count

    name = catalog.device(options.device or "here").name
    place = probe_of(name)
    earlier = _earlier(place)
    with output.progress(f"probing this machine as {name}", turn_count()) as advance:
        record = probe(name, advance=advance).joined(earlier)
    write_record(record, place)
    if options.json:
        output.document("edgeslm.probe/1", {**record.document(), "path": str(place)})
        return 0
    versions = ", ".join(f"{package} {version}" for package, version in record.versions)
    output.result(f"{len(record.rows)} passes in {record.seconds:.0f} s on {record.on} with {versions}")
    if record.probes > 1:
        output.result(f"  the middle of {record.probes} probes counts; to begin anew, remove the record first")
    for missing in record.missing:
        output.result(f"  not timed: {missing}")
    output.result(f"plan, select and export for --device {name} use {place}")
    return 0


def _earlier(place: Path) -> Record | None:
    """Return the record that a new probe is joined with; a damaged one is said and replaced."""
    from edgeslm.profiler.probe.record import read_record

    try:
        return read_record(place)
    except ConfigError as error:
        output.story(f"{error}: it is replaced")
        return None
