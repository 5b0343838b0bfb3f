"""`edgeslm measure BUNDLE... --on FLEET/ID`: the device measures what it runs, and the choice is made again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm.cli import output
from edgeslm.cli.aim import add_aim_options, aim_of
from edgeslm.cli.broker import add_broker_options, duration, transport
from edgeslm.cli.plan import show_prices
from edgeslm.cli.reporting import show_bars

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from edgeslm.confirming import Confirmation
    from edgeslm_agent.bundle import Bundle

MOST_S = 600.0  # a large model on a small board takes minutes for a few answers


def configure(parser: ArgumentParser) -> None:
    """Add --on and what goes with it."""
    group = parser.add_argument_group("on a device")
    group.add_argument("--on", metavar="FLEET/ID", help="let the agent there measure; the broker as for `fleet`")
    group.add_argument("--timeout", type=duration, default=MOST_S, metavar="TIME", help="how long to wait, such as 5m")
    group.add_argument("--gate", metavar="G", help="judge the measured quality by this gate; none: do not ask for one")
    add_broker_options(parser)
    add_aim_options(parser)


def run(options: Namespace) -> int:
    """Let the device measure, remember it, choose again and show both."""
    from edgeslm.catalog import device
    from edgeslm.confirming import confirm, held_by, profile_named
    from edgeslm.fleet.client import Client
    from edgeslm.fleet.remote import measured_by
    from edgeslm.profiler.gate import NO_GATE, gate_named

    bundles, aim = _decoders(options), aim_of(options)
    gate = None if options.gate is None else gate_named(options.gate)
    with Client(transport(options), options.on) as client:
        status = client.presence()
        held = held_by(status, options.on, bundles)
        named = profile_named(options.device, status.profile, options.on)
        profile = None if named is None else device(named)
        with output.progress(f"{options.on} measures {held.manifest.variant}", 1) as advance:
            reported = measured_by(client, options.timeout)
            advance(1)
    confirmed = confirm(reported, bundles, profile, aim, gate, gated=options.gate != NO_GATE)
    if options.json:
        output.document("edgeslm.measure/1", confirmed.document())
    else:
        _show(confirmed)
    return 0


def _decoders(options: Namespace) -> list[Bundle]:
    from edgeslm_agent.bundle import Bundle, open_any
    from edgeslm_agent.errors import Incompatible

    found = []
    for path in dict.fromkeys(options.bundles):
        bundle = open_any(path, verify=False)
        if not isinstance(bundle, Bundle):
            raise Incompatible(f"{path} is an encoder, which is not measured on devices", "leave it out")
        found.append(bundle)
    return found


def _show(confirmed: Confirmation) -> None:
    from edgeslm_agent.units import format_bytes, format_rate, format_seconds

    there = confirmed.there
    output.result(f"{confirmed.bundle.manifest.variant} on {there.on} (measured, medians):")
    writers = {
        "load_s": ("load", format_seconds),
        "first_token_s": ("first token", format_seconds),
        "prefill_tps": ("prefill", format_rate),
        "decode_tps": ("decode", format_rate),
        "peak_rss_bytes": ("peak RSS", format_bytes),
    }
    for name, (title, write) in writers.items():
        if name in there.figures:
            output.result(f"  {title:12} {write(there.figures[name])}")
    if there.runtime:
        output.result(f"  {'runtime':12} {there.runtime}")
    for doubt in there.doubts:
        output.result(f"does not count, and is kept as evidence: {doubt}")
    for name, reason in confirmed.not_measured:
        output.result(f"{name} was not measured: {reason}")
    _show_choice(confirmed)


def _show_choice(confirmed: Confirmation) -> None:
    chosen = confirmed.selection
    if chosen is None:
        output.result(f"the choice was not made again: {confirmed.there.on} has no profile, and no --device named one")
        return
    output.result(chosen.basis_line)
    show_bars(chosen.document())
    for note in chosen.notes:
        output.result(note)
    show_prices(chosen.prices)
    for entry in chosen.rejected:
        output.result(f"{entry.contender.label} is rejected: {'; '.join(entry.reasons)}")
