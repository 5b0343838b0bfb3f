"""`edgeslm measure --probe`: what this machine reaches, without a model, for plans to be made with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm.cli import output

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def configure(parser: ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--probe", action="store_true", help="time random graphs for 90 s at most; plans for --device use the result"
    )


def run(options: Namespace) -> int:
    """Probe and keep the record; interrupted, what was there before stays."""
    from edgeslm import catalog
    from edgeslm.catalog.probes import probe_of
    from edgeslm.profiler.probe.record import write_record
    from edgeslm.profiler.probe.session import probe, turn_count

    name = catalog.device(options.device or "here").name
    with output.progress(f"probing this machine as {name}", turn_count()) as advance:
        record = probe(name, advance=advance)
    place = probe_of(name)
    write_record(record, place)
    if options.json:
        output.document("edgeslm.probe/1", {**record.document(), "path": str(place)})
        return 0
    versions = ", ".join(f"{package} {version}" for package, version in record.versions)
    output.result(f"{len(record.rows)} passes in {record.seconds:.0f} s on {record.on} with {versions}")
    for missing in record.missing:
        output.result(f"  not timed: {missing}")
    output.result(f"plan, select and export for --device {name} use {place}")
    return 0
