"""What the verbs do and show when the model is an encoder: it embeds or classifies, and generates nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from edgeslm.cli import output
from edgeslm.cli.aim import aim_of
from edgeslm.cli.figures import shown
from edgeslm.cli.reporting import write_report
from edgeslm_agent.units import format_bytes, format_rate

if TYPE_CHECKING:
    from argparse import Namespace

    from edgeslm.encoders.export import EncoderExport
    from edgeslm.encoders.measure import EncoderMeasurement
    from edgeslm.profiler.dataset import Dataset
    from edgeslm.profiler.encoder_quality import EncoderAssessment
    from edgeslm_agent.bundle import EncoderBundle

DIGITS = 7  # of a float32


def is_encoder(model: str | None) -> bool:
    """Whether the model a user named is an encoder; reads its config."""
    from edgeslm.source import open_source
    from edgeslm_exporters.encoder.spec import is_encoder

    return model is not None and is_encoder(open_source(model).checkpoint.config)


def export(options: Namespace, data: Dataset | None) -> int:
    """Export an encoder and show the choice."""
    from edgeslm.encoders.export import export_encoder
    from edgeslm_agent.units import parse_count

    aim = aim_of(options)
    result = export_encoder(
        options.model,
        device=options.device,
        out=options.out,
        memory=options.memory,
        recipes=options.recipe,
        formats=tuple(options.format or ("onnx",)),
        context=None if options.context is None else parse_count(options.context),
        data=data,
        objective=aim.objective,
        limits=aim.limits,
        gate=options.gate,
        measured=not options.no_measure,
        force=options.force,
        progress=output.progress,
    )
    write_report(options.report, result.document())
    if options.json:
        output.document("edgeslm.selection/1", result.document())
    else:
        _show_export(result)
    return 0


def _show_export(result: EncoderExport) -> None:
    selection, winner = result.selection, result.winner
    estimate = winner.candidate.estimate
    output.result(f"{winner.candidate.variant} for {selection.device}: {selection.basis_line}")
    output.result(f"  weights             {format_bytes(result.bundle.weights_bytes)}")
    output.result(f"  peak memory         {shown(estimate.peak_bytes)}, estimated on {estimate.peak_bytes.on}")
    output.result(f"  reads               {shown(estimate.prefill_tps)}, estimated on {estimate.prefill_tps.on}")
    if winner.measurement is not None:
        show_measurement(winner.measurement)
    if winner.assessment is not None:
        show_quality(winner.assessment)
    for found in result.accelerated:
        output.result(found.sentence())
    for contender in selection.runners_up:
        output.result(f"runner-up: {contender.candidate.variant}")
    for entry in selection.rejected:
        output.result(f"rejected: {entry.contender.candidate.variant}: {'; '.join(entry.reasons)}")
    output.result(f"bundle {result.bundle.path} ({result.bundle.total_bytes} bytes), id {result.bundle.bundle_id[:16]}")


def evaluate(options: Namespace, bundle: EncoderBundle, data: Dataset | None) -> int:
    """Evaluate an encoder's bundle and answer with the gate's verdict."""
    from edgeslm.encoders.export import evaluate_encoder

    assessment = evaluate_encoder(
        bundle, data, reference=options.reference, gate=options.gate, progress=output.progress
    )
    if options.json:
        output.document("edgeslm.eval/1", assessment.document())
    else:
        show_quality(assessment)
    return 0 if assessment.passed else 1


def show_quality(assessment: EncoderAssessment) -> None:
    """Print a quality in words and figures."""
    quality, verdict = assessment.quality, assessment.verdict
    output.result(f"quality against fp32, on {quality.data}, {quality.texts} texts:")
    if quality.cosine_mean is not None:
        output.result(f"  cosine              {quality.cosine_mean:.5f} in the mean, {quality.cosine_min:.5f} at least")
    if quality.label_agreement is not None:
        output.result(f"  equal labels        {100 * quality.label_agreement:.2f} %")
    if quality.exact_match is not None and quality.reference_exact_match is not None:
        ours, theirs = 100 * quality.exact_match, 100 * quality.reference_exact_match
        output.result(f"  exact match         {ours:.1f} % (fp32 {theirs:.1f} %)")
    if verdict is not None:
        output.result(f"gate {verdict.gate}: {'passed' if verdict.passed else 'FAILED'}")
        for reason in verdict.reasons:
            output.result(f"  {reason}")


def measure(options: Namespace, bundle: EncoderBundle) -> int:
    """Measure in a process of its own and remember the figures as the bundle's evidence."""
    from dataclasses import asdict

    from edgeslm.encoders.measure import measure_encoder
    from edgeslm_agent.bundle import write_evidence

    measurement = measure_encoder(bundle.path)
    write_evidence(bundle, "measure", asdict(measurement))
    if options.json:
        output.document("edgeslm.measure/1", measurement)
    else:
        output.result(f"{bundle.manifest.variant}:")
        show_measurement(measurement)
    return 0


def show_measurement(seen: EncoderMeasurement) -> None:
    """Print what was measured, in a line."""
    output.result(
        f"  measured on {seen.on}    {seen.texts_per_s:.1f} texts/s of {seen.prompt_tokens} tokens "
        f"({format_rate(seen.prefill_tps)}), peak RSS {format_bytes(seen.peak_rss_bytes)}"
    )


def answer(options: Namespace, bundle: EncoderBundle, text: str) -> int:
    """Read a text and show its label or its embedding on stdout, the figures on stderr."""
    from edgeslm_agent.engine.encoder import EncoderSession
    from edgeslm_agent.host import peak_rss_bytes

    with EncoderSession.open(bundle, threads=options.threads) as session:
        if bundle.manifest.encoder.task == "embed":
            embedding = session.embed(text)
            figures, vector = embedding.figures, [float(f"{value:.{DIGITS}g}") for value in embedding.vector]
            said: dict[str, object] = {"embedding": vector}
            line = json.dumps(vector)
        else:
            found = session.classify(text)
            figures = found.figures
            said = {"label": found.label, "score": found.score, "scores": dict(found.scores)}
            line = f"{found.label} {found.score:.4f}"
        load_s = session.load_s
    if options.json:
        body = {
            "on": "host",
            **said,
            "prompt_tokens": figures.prompt_tokens,
            "dropped_tokens": figures.dropped_tokens,
            "answer_s": figures.answer_s,
            "prefill_tps": figures.prefill_tps,
            "load_s": load_s,
            "peak_rss_bytes": peak_rss_bytes(),
        }
        output.document("edgeslm.run/1", body)
        return 0
    output.result(line)
    cut = f", {figures.dropped_tokens} more were cut off" if figures.dropped_tokens else ""
    output.story(
        f"{figures.prompt_tokens} tokens{cut}; answered in {figures.answer_s * 1000:.1f} ms; loaded in {load_s:.2f} s"
    )
    return 0
