"""`edgeslm export [MODEL] --device PROFILE`: plan, build, check, measure, choose, and write one bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgeslm.cli import encoder, output
from edgeslm.cli import eval as eval_verb
from edgeslm.cli.aim import add_aim_options, aim_of
from edgeslm.cli.figures import shown
from edgeslm.cli.plan import add_board_options, add_model_arguments, show_origin, show_prices
from edgeslm.cli.reporting import add_report_option, check_report, show_bars, write_report
from edgeslm_agent.errors import UsageError
from edgeslm_exporters import digests

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from edgeslm.pipeline import ExportResult
    from edgeslm.profiler.dataset import Dataset
    from edgeslm.workshop import Built

EPILOG = """\
MODEL is a folder in Hugging Face layout, a .gguf file, a hub id (owner/name or owner/name@revision), a name of
`edgeslm list models`, or left out: the built-in model. What came quantised is taken as it is, if a recipe has its form.
With no --recipe the plan's best is built, then more bits are spent (4 bits; head and down projection in 8; 8 bits)
until one passes the gate; with several, each is built and the best of those that pass is kept. A failed gate is exit
code 1 and writes no bundle. `--recipe mixed` measures which weights need their bits and solves for the smallest mix
that passes the gate, or with --target-size for the best of that size; a uniform recipe that does better is taken.
examples:
  edgeslm export --device jetson-nano -o home-nano
  edgeslm export ./SmolLM2-135M --device rk3588 --recipe wi4b32-afp32 --recipe wi8-afp32 --text mine.txt
  edgeslm export ./SmolLM2-135M --device rk3588 --target-size 90MB --text mine.txt"""


def configure(parser: ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.epilog = EPILOG
    add_model_arguments(parser)
    add_board_options(parser)
    parser.add_argument(
        "--recipe", action="append", metavar="R", default=[], help="build this recipe; may be repeated; mixed: find one"
    )
    parser.add_argument("--target-size", metavar="SIZE", help="find the best mix of at most so many bytes of weights")
    parser.add_argument("--max-ram", metavar="SIZE", help="memory the export itself may take; refused before it begins")
    parser.add_argument(
        "--format",
        action="append",
        choices=["onnx", "tflite"],
        help="build it; repeated: both compete (default: the plan's choice)",
    )
    parser.add_argument("--context", metavar="N", help="tokens of prompt and answer together, such as 512 or 2k")
    eval_verb.add_data_options(parser)
    parser.add_argument(
        "--calibration",
        type=Path,
        metavar="FILE",
        help="what mixes and algorithms learn from (.jsonl: tasks); left out: the model's own, or a part of the data",
    )
    add_aim_options(parser)
    add_report_option(parser)
    parser.add_argument("--gate", default="balanced", metavar="G", help="the quality to keep (default balanced)")
    parser.add_argument("--genai", action="store_true", help="let onnxruntime-genai load the artefacts too")
    parser.add_argument(
        "--litertlm", type=Path, metavar="FILE", help="also pack it as one file for LiteRT-LM; needs --format tflite"
    )
    parser.add_argument("--no-measure", action="store_true", help="do not measure speed and memory on this machine")
    parser.add_argument("-o", dest="out", type=Path, metavar="DIR", help="where to write (default: the variant's name)")
    parser.add_argument("--force", action="store_true", help="replace another bundle in that folder")


def run(options: Namespace) -> int:
    """Export and show the choice."""
    check_report(options.report)
    if options.model is not None:
        digests.begin(options.model)  # before the imports, which take one core a while
    if encoder.is_encoder(options.model):
        if options.litertlm is not None:
            raise UsageError("LiteRT-LM runs models that generate; this one is an encoder", "leave --litertlm out")
        return encoder.export(options, eval_verb.data_of(options))
    from edgeslm.pipeline import export
    from edgeslm_agent.units import parse_bytes, parse_count

    aim = aim_of(options)
    result = export(
        options.model,
        device=options.device,
        adapter=options.adapter,
        out=options.out,
        memory=options.memory,
        recipes=options.recipe,
        formats=tuple(options.format or ()),
        context=None if options.context is None else parse_count(options.context),
        target_size=None if options.target_size is None else parse_bytes(options.target_size),
        max_ram=None if options.max_ram is None else parse_bytes(options.max_ram),
        data=eval_verb.data_of(options),
        calibration=_calibration(options),
        objective=aim.objective,
        task=aim.task,
        limits=aim.limits,
        gate=options.gate,
        measured=not options.no_measure,
        force=options.force,
        genai=options.genai,
        litertlm=options.litertlm,
        progress=output.progress,
        tell=output.story,
    )
    write_report(options.report, result.document())
    if options.json:
        output.document("edgeslm.selection/1", result.document())
    else:
        show(result)
    return 0


def _calibration(options: Namespace) -> Dataset | None:
    """Read what recipes calibrate on: a text, or tasks where the name ends in .jsonl."""
    from edgeslm.profiler.dataset import read_tasks, read_text

    if options.calibration is None:
        return None
    return read_tasks(options.calibration) if options.calibration.suffix == ".jsonl" else read_text(options.calibration)


def show(result: ExportResult) -> None:
    """Print how the choice was made, what it promises, and what was observed."""
    selection, winner = result.selection, result.winner
    estimate = winner.candidate.estimate
    output.result(f"{winner.candidate.variant} for {selection.device}: {selection.basis_line}")
    output.result(f"  weights, KV cache   {shown(estimate.weights_bytes)}, {shown(estimate.kv_cache_bytes)} (exact)")
    output.result(f"  bits a weight       {winner.candidate.effective_bits:.2f}, scales and padding included")
    output.result(f"  peak memory         {shown(estimate.peak_bytes)}, estimated on {estimate.peak_bytes.on}")
    output.result(f"  decode              {shown(estimate.decode_tps)}, estimated on {estimate.decode_tps.on}")
    _show_measured(winner)
    show_origin(result.plan)
    if winner.assessment is None:
        output.result("quality: not measured")
    else:
        output.result("quality against fp32:")
        eval_verb.show(winner.assessment)
    _show_mix(result)
    show_bars(result.document())
    for note in selection.notes:
        output.result(note)
    show_prices(selection.prices)
    for entry in selection.rejected:
        output.result(f"rejected: {entry.contender.candidate.variant}: {'; '.join(entry.reasons)}")
    if result.litertlm is not None:
        output.result(f"for LiteRT-LM: {result.litertlm} ({result.litertlm.stat().st_size} bytes)")
    output.result(f"bundle {result.bundle.path} ({result.bundle.total_bytes} bytes), id {result.bundle.bundle_id[:16]}")


def _show_mix(result: ExportResult) -> None:
    """Print why every class of the winning mix is stored as it is."""
    mixed = result.course.mixed or {"mixes": []}
    for mix in mixed["mixes"]:
        if mix["recipe"] == result.winner.candidate.recipe:
            output.result(f"the mix, by what each class lost on {mixed['calibrated_on']}:")
            for reason in mix["reasons"]:
                output.result(f"  {reason}")


def _show_measured(winner: Built) -> None:
    from edgeslm_agent.units import format_bytes, format_rate

    if winner.measurement is not None:
        seen = winner.measurement
        speeds = f"decode {format_rate(seen.decode_tps)}, prefill {format_rate(seen.prefill_tps)}"
        output.result(f"  measured on {seen.on}    {speeds}, peak RSS {format_bytes(seen.peak_rss_bytes)}")
