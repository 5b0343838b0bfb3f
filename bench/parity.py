"""Do ONNX and TFLite of one variant say the same?

On the built-in model and on the two that bench/shakespeare.py trains: how often both formats have the same most likely
token over 2,000 positions that `eval` scores, and whether both pass the gate that the model is held to.

Codes and scales are equal in both files, so what differs is how a product rounds what it multiplies them with: XNNPACK
to 8 bits with one scale and zero point a token, onnxruntime with a scale for each block. `exact` is the ONNX graph with
accuracy level 0, which does not round; a tie is a position where the fp32 model's first two tokens are less than 0.05
logits apart.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx

from bench import machine
from bench.harness import Target, publish
from bench.quantisation import CONTEXT, subjects
from edgeslm.pack import assemble
from edgeslm.profiler.gate import BALANCED, judge_model
from edgeslm.profiler.quality import evaluate, sequences
from edgeslm_agent.engine.session import Session
from edgeslm_exporters.export import convert
from edgeslm_exporters.recipe import parse_recipe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from bench.harness import Figures
    from bench.quantisation import Subject
    from edgeslm.profiler.quality import Scored

    Logits = NDArray[np.float32]

RECIPES = ("fp32", "wi8-afp32", "wi4b32-afp32")
POSITIONS = 2000
TIE = 0.05  # logits
AGREEING = 99.0  # per cent


@dataclass(frozen=True)
class Side:
    """What one format says at the scored positions, and whether it passes the gate; KL is to fp32."""

    tops: NDArray[np.int64]
    kld_mean: float
    passed: bool


def main() -> None:
    """Compare both formats on every model and publish."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    samples: dict[str, list[Figures]] = {}
    promises: list[Target] = []
    for subject in subjects():
        for recipe, figures in measure(subject).items():
            samples[f"{subject.name}: {recipe}"] = [figures]
            named = f"{subject.name}: {recipe}, "
            promises += [
                Target(named + "the same top token", figures["same_percent"], AGREEING, at_least=True, unit=" %"),
                Target(named + "formats judged otherwise", figures["passing"] % 2, 0, at_least=False, unit=""),
            ]
    versions = {
        "edgeslm": machine.versions_in(Path(sys.executable), "edgeslm", "onnxruntime", "ai-edge-litert", "numpy")
    }
    publish("parity", samples, promises, versions, {"positions": POSITIONS})


def measure(subject: Subject) -> dict[str, Figures]:
    """Return the figures of every recipe."""
    found = {}
    with ExitStack() as stack:
        reference = _opened(stack, subject, "fp32", "onnx")
        scored = _first(sequences(reference, subject.judged))
        logits = _logits(reference, scored)
        second, first = np.partition(logits, -2, axis=1)[:, -2:].T
        for recipe in RECIPES:
            ours, theirs = (_side(subject, recipe, form, reference, scored) for form in ("onnx", "tflite"))
            exact = _exact_tops(subject, recipe, scored)
            found[recipe] = {
                "same_percent": _percent(ours.tops == theirs.tops),
                "onnx_exact_percent": _percent(ours.tops == exact),
                "tflite_exact_percent": _percent(theirs.tops == exact),
                "tie_percent": _percent(first - second < TIE),
                "onnx_kld": ours.kld_mean,
                "tflite_kld": theirs.kld_mean,
                "passing": float(ours.passed + theirs.passed),
            }
            sys.stderr.write(f"{subject.name} {recipe}: {found[recipe]['same_percent']:.2f} %\n")
    return found


def _side(subject: Subject, recipe: str, form: str, reference: Session, scored: Sequence[Scored]) -> Side:
    with ExitStack() as stack:
        session = _opened(stack, subject, recipe, form)
        quality = evaluate(session, reference, subject.judged)
        verdict = judge_model(quality, BALANCED, subject.source.spec.parameters)
        return Side(_logits(session, scored).argmax(axis=1), quality.kld_mean, verdict.passed)


def _exact_tops(subject: Subject, recipe: str, scored: Sequence[Scored]) -> NDArray[np.int64]:
    """Return the most likely tokens of the ONNX graph when its products round nothing but the weights."""
    with ExitStack() as stack:
        tops: NDArray[np.int64] = _logits(_opened(stack, subject, recipe, "onnx", exact=True), scored).argmax(axis=1)
        return tops


def _opened(stack: ExitStack, subject: Subject, recipe: str, form: str, *, exact: bool = False) -> Session:
    """Export a recipe and open it; the stack closes it and removes it."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="edgeslm-bench-")))
    checkpoint = subject.source.checkpoint
    artifact = convert(checkpoint, parse_recipe(recipe), CONTEXT, folder, form=form)
    if exact:
        _unrounded(folder / artifact.decoder.graph)
    bundle = assemble(folder, checkpoint, subject.source.label, artifact, f"{checkpoint.name}_{recipe}")
    return stack.enter_context(Session.open(bundle, check_probe=False))


def _unrounded(graph: Path) -> None:
    """Let every product of a graph keep what it multiplies in floats."""
    model = onnx.load(str(graph), load_external_data=False)
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name == "accuracy_level":
                attribute.i = 0
    graph.write_bytes(model.SerializeToString())


def _first(scored: Iterable[Scored]) -> list[Scored]:
    """Return sequences until they hold the positions asked for."""
    taken, positions = [], 0
    for sequence in scored:
        if positions >= POSITIONS:
            break
        taken.append(sequence)
        positions += len(sequence.token_ids) - 1 - sequence.first
    return taken


def _logits(session: Session, scored: Sequence[Scored]) -> Logits:
    """Return the logits of the first POSITIONS that count."""
    parts = [session.score(sequence.token_ids[:-1])[sequence.first :] for sequence in scored]
    return np.concatenate(parts)[:POSITIONS]


def _percent(truths: NDArray[np.bool_]) -> float:
    return 100 * float(truths.mean())


if __name__ == "__main__":
    main()
