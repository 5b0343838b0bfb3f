"""`edgeslm plan [MODEL] --device PROFILE`: what would be built, in which order, and why the rest would not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm.cli import output
from edgeslm.cli.aim import add_aim_options, aim_of

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Collection, Sequence

    from edgeslm.profiler.accelerators import Accelerated
    from edgeslm.profiler.aim import Aim
    from edgeslm.profiler.candidate import Candidate
    from edgeslm.profiler.plan import Plan
    from edgeslm.profiler.prices import Price

EPILOG = """MODEL is a folder in Hugging Face layout, a .gguf file, a hub id (owner/name or owner/name@revision), a name
of `edgeslm list models`, or left out: the built-in model. Only config.json and the headers of the weights are read,
from the hub too; with no --recipe a checkpoint that came quantised is planned in its own form. Bytes of weights and
cache are exact; the peak and the speeds are estimates with their range, for a full context and a prompt of 128 tokens
(half the context if that is less) or the --task. Those on the `front` are beaten by none in memory, time and exactness
at once."""


def configure(parser: ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.epilog = EPILOG
    add_model_arguments(parser)
    add_board_options(parser)
    parser.add_argument(
        "--recipe", action="append", metavar="R", default=[], help="plan this recipe only; may be repeated"
    )
    parser.add_argument(
        "--format", action="append", choices=["onnx", "tflite"], help="plan this format (default: what runs there)"
    )
    parser.add_argument("--context", metavar="N", help="tokens of prompt and answer together, such as 512 or 2k")
    add_aim_options(parser)


def add_model_arguments(parser: ArgumentParser) -> None:
    """Add MODEL and --adapter."""
    parser.add_argument("model", nargs="?", metavar="MODEL")
    parser.add_argument("--adapter", metavar="DIR", help="a LoRA adapter as PEFT saves it, merged into MODEL first")


def add_board_options(parser: ArgumentParser) -> None:
    """Add --device and --memory."""
    parser.add_argument(
        "--device", required=True, metavar="PROFILE", help="a name of `edgeslm list devices`, a FILE.yaml, or here"
    )
    parser.add_argument("--memory", metavar="SIZE", help="memory fitted, such as 2GB, when it is not the profile's")


def run(options: Namespace) -> int:
    """Plan and show; NothingFits (exit code 1) when every candidate is dropped, after the table that says why."""
    planned = _planned(options)
    if not options.json:
        _show(planned)
    planned.require_kept()
    if options.json:
        output.document("edgeslm.plan/1", planned.document())
    return 0


def _planned(options: Namespace) -> Plan:
    from edgeslm.planning import plan
    from edgeslm_agent.units import parse_count

    aim = aim_of(options)
    return plan(
        options.model,
        device=options.device,
        adapter=options.adapter,
        memory=options.memory,
        recipes=options.recipe,
        formats=tuple(options.format or ()),
        context=None if options.context is None else parse_count(options.context),
        objective=aim.objective,
        task=aim.task,
        limits=aim.limits,
    )


def _show(planned: Plan) -> None:
    from edgeslm_agent.units import format_bytes, format_count

    room = f"{format_bytes(planned.app_budget_bytes)} for the agent and its model"
    context = format_count(planned.context)
    by = f"by {wanted(planned.aim)}, from estimates"
    output.result(f"{planned.model} for {planned.device}: context {context}, {room}; {by}")
    show_origin(planned)
    columns = ("variant", "", "bits a weight", "weights", "KV cache", "peak memory", "decode", "first token")
    output.table(columns, [_row(candidate, planned.pareto) for candidate in planned.candidates])
    if not planned.kept:
        return  # the error that follows has every reason
    for candidate in planned.candidates:
        if candidate.reasons:
            output.result(f"{candidate.variant} is dropped: {'; '.join(candidate.reasons)}")
    show_prices(planned.prices)
    show_accelerators(planned.accelerators)
    names = ", then ".join(candidate.recipe for candidate in planned.to_try)
    output.result(f"to try, until one passes the quality gate: {names}")


def show_origin(planned: Plan) -> None:
    """Print the licence, and what became of weights that came quantised."""
    if planned.licence:
        output.result(f"licence {planned.licence}")
    for note in planned.notes:
        output.result(note)


def show_accelerators(accelerators: Sequence[Accelerated]) -> None:
    """Print for each driver what of the kept would run there, and what falls back to the CPU for which reason."""
    for entry in accelerators:
        output.result(f"{entry.title}: {'works' if entry.works else 'does not work'} here ({entry.says})")
        output.result(f"  needs {entry.precision}; shapes: {entry.shapes}; memory {entry.memory}")
        told: dict[str, list[str]] = {}
        for placement in entry.placements:
            what = f"{placement.runs} of it would run there; {placement.falls_back}"
            told.setdefault(what, []).append(placement.variant)
        for what, variants in told.items():
            output.result(f"  {_listed(variants)}: {what}")


def _listed(variants: Sequence[str]) -> str:
    return variants[0] if len(variants) == 1 else f"{variants[0]} and {len(variants) - 1} more"


def show_prices(prices: Sequence[Price]) -> None:
    """Print what the binding bound keeps out, and what the others do."""
    for label, price in zip(["binding", *("also" for _ in prices[1:])], prices, strict=False):
        output.result(f"{label}: {price.sentence()}")


def wanted(aim: Aim) -> str:
    """Return the objective, and the task it is for, in words."""
    return aim.objective if aim.task is None else f"{aim.objective} of {aim.task}"


def _row(candidate: Candidate, pareto: Collection[str]) -> tuple[str, ...]:
    from edgeslm.cli.figures import shown

    figures = candidate.estimate
    sizes = (figures.weights_bytes, figures.kv_cache_bytes, figures.peak_bytes)
    cells = [shown(figure) for figure in (*sizes, figures.decode_tps, figures.first_token_s)]
    kept = "front" if candidate.variant in pareto else "kept" if candidate.kept else "dropped"
    return (candidate.variant, kept, f"{candidate.effective_bits:.2f}", *cells)
