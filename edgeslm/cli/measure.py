"""`edgeslm measure BUNDLE`: measure speed and memory, on this machine or on a device, with the engine it uses."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from edgeslm.cli import encoder, measure_on, measure_probe, output
from edgeslm_agent.errors import UsageError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

EPILOG = """With --on, the agent there measures the bundle that it runs, which must be one of those named; its figures
become evidence of that bundle, count for boards of its profile, and the choice among all named is made again.
With --probe no bundle is needed: graphs of random weights are timed for 90 s at most. The record is kept below
~/.local/share/edgeslm/probes (EDGESLM_PROBES) and used by plan, select and export; copy one from a board to plan for
that board. Where others use the processor too, probe again at another time: of up to five probes with the same versions
the middle counts. An interrupted probe leaves the record that was there."""


def configure(parser: ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("bundles", nargs="*", type=Path, metavar="BUNDLE")
    parser.add_argument(
        "--device",
        metavar="PROFILE",
        help="the kind of board: with --probe of this machine (default here), with --on where its agent does not say",
    )
    measure_on.configure(parser)
    measure_probe.configure(parser)


def run(options: Namespace) -> int:
    """Measure in a process of its own and remember the figures as the bundle's evidence."""
    from edgeslm.profiler.measure import measure
    from edgeslm_agent.bundle import EncoderBundle, open_any, write_evidence
    from edgeslm_agent.units import format_bytes

    if options.probe:
        return measure_probe.run(options)
    if not options.bundles:
        raise UsageError("no bundle is named", "name one, or --probe to time this machine without a model")
    if options.on is not None:
        return measure_on.run(options)
    if len(options.bundles) > 1:
        raise UsageError(
            "this machine measures one bundle at a time", "name one, or --on FLEET/ID to choose among them"
        )
    bundle = open_any(options.bundles[0])
    if isinstance(bundle, EncoderBundle):
        return encoder.measure(options, bundle)
    with output.progress(f"measuring {bundle.manifest.variant}", 1) as advance:
        measurement = measure(bundle.path)
        advance(1)
    write_evidence(bundle, "measure", asdict(measurement))
    if options.json:
        output.document("edgeslm.measure/1", measurement)
        return 0
    output.result(f"{bundle.manifest.variant} on this machine (measured, medians):")
    output.result(f"  load         {measurement.load_s:.2f} s")
    output.result(
        f"  first token  {measurement.first_token_s * 1000:.0f} ms after a prompt of {measurement.prompt_tokens}"
    )
    output.result(f"  prefill      {measurement.prefill_tps:.0f} tokens/s")
    output.result(f"  decode       {measurement.decode_tps:.0f} tokens/s")
    output.result(f"  peak RSS     {format_bytes(measurement.peak_rss_bytes)}")
    return 0
