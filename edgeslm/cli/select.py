"""`edgeslm select BUNDLE... --device PROFILE`: the best of several bundles for a board, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgeslm.cli import output
from edgeslm.cli.aim import add_aim_options, aim_of
from edgeslm.cli.plan import add_board_options, show_prices
from edgeslm.cli.reporting import add_report_option, check_report, show_bars, write_report

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from edgeslm.profiler.contender import Contender
    from edgeslm.profiler.select import Selection

EPILOG = """A bundle must fit the board and have passed a quality gate (`edgeslm eval`); then the objective decides.
Only what was measured on such a board counts as measured; speeds of this machine count for --device here."""


def configure(parser: ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("bundles", nargs="+", type=Path, metavar="BUNDLE")
    add_board_options(parser)
    add_aim_options(parser)
    add_report_option(parser)
    parser.add_argument("--gate", metavar="G", help="judge the measured quality by this gate; none: do not ask for one")


def run(options: Namespace) -> int:
    """Select and show; NothingFits (exit code 1) when every bundle is rejected."""
    check_report(options.report)
    chosen = _chosen(options)
    write_report(options.report, chosen.document())
    chosen.require_winner()
    if options.json:
        output.document("edgeslm.selection/1", chosen.document())
    else:
        _show(chosen)
    return 0


def _chosen(options: Namespace) -> Selection:
    from edgeslm.catalog import device
    from edgeslm.profiler.evidence import contender, devices_of, encoder_contender
    from edgeslm.profiler.gate import NO_GATE, gate_named
    from edgeslm.profiler.select import select
    from edgeslm_agent.bundle import Bundle, open_any

    profile, aim = device(options.device, memory=options.memory), aim_of(options)
    gate = gate_named(options.gate) if options.gate is not None else None
    bundles = [open_any(path, verify=False) for path in dict.fromkeys(options.bundles)]
    contenders = [
        contender(bundle, profile, gate, aim)
        if isinstance(bundle, Bundle)
        else encoder_contender(bundle, profile, gate, aim)
        for bundle in bundles
    ]
    devices = devices_of([bundle for bundle in bundles if isinstance(bundle, Bundle)], profile)
    return select(contenders, profile, aim, gated=options.gate != NO_GATE, devices=devices)


def _show(chosen: Selection) -> None:
    output.result(chosen.basis_line)
    standing = [] if chosen.winner is None else [chosen.winner, *chosen.runners_up]
    ranks = ["winner", *("runner-up" for _ in chosen.runners_up)]
    rows = [(rank, *_row(entry)) for rank, entry in zip(ranks, standing, strict=True)]
    rows += [("rejected", *_row(entry.contender)) for entry in chosen.rejected]
    output.table(("", "bundle", "variant", "peak memory", "decode", "decode measured", "mean KL"), rows)
    show_bars(chosen.document())
    for note in chosen.notes:
        output.result(note)
    show_prices(chosen.prices)
    for entry in chosen.rejected:
        output.result(f"{entry.contender.label} is rejected: {'; '.join(entry.reasons)}")


def _row(entry: Contender) -> tuple[str, ...]:
    from edgeslm.cli.figures import shown

    figures, kld = entry.candidate.estimate, entry.quality.kld_mean
    seen = entry.observed.decode_tps
    cells = (
        shown(figures.peak_bytes),
        shown(figures.decode_tps),
        "-" if seen is None else f"{shown(seen)} on {seen.on}",
    )
    return (entry.label, entry.candidate.variant, *cells, "not measured" if kld is None else f"{kld:.4f}")
