"""`edgeslm eval BUNDLE`: measure a bundle's quality against the fp32 reference and hold it against a gate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgeslm.cli import encoder, output

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from edgeslm.profiler.assess import Assessment
    from edgeslm.profiler.dataset import Dataset

EPILOG = """gates: lossless, conservative, balanced, tiny, none. A failed gate is exit code 1: an answer, not a crash.
Without --text or --tasks the model's own tasks are used if it has some, else a short English text of edgeslm's own."""


def configure(parser: ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("bundle", type=Path, metavar="BUNDLE")
    add_data_options(parser)
    parser.add_argument(
        "--reference", metavar="MODEL", help="the checkpoint the bundle was made from (folder or hub id)"
    )
    parser.add_argument("--adapter", metavar="DIR", help="the LoRA adapter that was merged into it, if there was one")
    parser.add_argument("--gate", default="balanced", metavar="G", help="the bounds to keep (default balanced)")


def add_data_options(parser: ArgumentParser) -> None:
    """Add --text and --tasks, of which one may be given."""
    data = parser.add_mutually_exclusive_group()
    data.add_argument("--text", type=Path, metavar="FILE", help="a text to compare on, of the kind the model will see")
    data.add_argument("--tasks", type=Path, metavar="FILE.jsonl", help='one {"prompt": ..., "expected": ...} a line')


def run(options: Namespace) -> int:
    """Evaluate, remember the result as the bundle's evidence, and answer with the gate's verdict."""
    from edgeslm_agent.bundle import EncoderBundle, open_any

    bundle = open_any(options.bundle)
    if isinstance(bundle, EncoderBundle):
        return encoder.evaluate(options, bundle, data_of(options))
    from edgeslm.pipeline import evaluate_bundle

    assessment = evaluate_bundle(
        options.bundle,
        data_of(options),
        reference=options.reference,
        adapter=options.adapter,
        gate=options.gate,
        progress=output.progress,
    )
    if options.json:
        output.document("edgeslm.eval/1", assessment.document())
    else:
        show(assessment)
    return 0 if assessment.passed else 1


def data_of(options: Namespace) -> Dataset | None:
    """Read the user's data, if there is any."""
    from edgeslm.profiler.dataset import read_tasks, read_text

    if options.text is not None:
        return read_text(options.text)
    return read_tasks(options.tasks) if options.tasks is not None else None


def show(assessment: Assessment) -> None:
    """Print a quality in words and figures."""
    quality, verdict = assessment.quality, assessment.verdict
    output.result(f"on {quality.data}, {quality.tokens} scored tokens in sequences of up to {quality.longest}:")
    output.result(f"  mean KL divergence  {quality.kld_mean:.5f} ± {quality.kld_stderr:.5f} nats")
    output.result(f"  p99, p99.9          {quality.kld_p99:.4f}, {quality.kld_p999:.4f} nats")
    output.result(f"  top-1 agreement     {100 * quality.top1_agreement:.2f} %")
    output.result(f"  perplexity ratio    {quality.ppl_ratio:.4f}")
    if quality.exact_match is not None and quality.reference_exact_match is not None and quality.flips is not None:
        output.result(
            f"  exact match         {100 * quality.exact_match:.1f} % of {quality.tasks} tasks "
            f"(fp32 {100 * quality.reference_exact_match:.1f} %), flips {100 * quality.flips:.1f} %"
        )
    if verdict is not None:
        output.result(f"gate {verdict.gate}: {'passed' if verdict.passed else 'FAILED'}")
        for reason in verdict.reasons:
            output.result(f"  {reason}")
