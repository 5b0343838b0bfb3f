"""Quality of an encoder against its fp32 reference: cosine of the embeddings, or agreement of the labels.

Both read the same texts: the lines and sentences of a text, or the prompts of a tasks file, whose `expected` is a
label. The bounds of a gate are ours: a cosine of 0.99 is far above that of a sentence and its paraphrase.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgeslm.profiler.gate import GATES, Verdict
from edgeslm.profiler.judged import Judged
from edgeslm_agent.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from edgeslm.profiler.dataset import Dataset
    from edgeslm.profiler.gate import Gate
    from edgeslm.progress import Progress
    from edgeslm_agent.bundle import EncoderBundle
    from edgeslm_agent.engine.encoder import EncoderSession

MOST_TEXTS = 400
SHORTEST_TEXT = 3  # characters; less is a number of a list or a stray quote
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+|\n+")


@dataclass(frozen=True)
class EncoderGate:
    """The least mean and smallest cosine of embeddings, and the least share of equal labels."""

    cosine_mean: float
    cosine_min: float
    label_agreement: float


BOUNDS = dict(
    zip(
        (gate.name for gate in GATES),
        (
            EncoderGate(0.999, 0.99, 0.995),
            EncoderGate(0.995, 0.98, 0.99),
            EncoderGate(0.99, 0.95, 0.98),
            EncoderGate(0.97, 0.90, 0.95),
        ),
        strict=True,
    )
)


@dataclass(frozen=True)
class EncoderQuality:
    """Over `texts` texts: the cosines of an `embed`, or the agreement of a `classify` and, with tasks, its accuracy."""

    data: str
    texts: int
    cosine_mean: float | None = None
    cosine_min: float | None = None
    label_agreement: float | None = None
    exact_match: float | None = None
    reference_exact_match: float | None = None


class EncoderAssessment(Judged[EncoderQuality]):
    """How good an encoder's bundle is."""


def texts_of(data: Dataset) -> tuple[str, ...]:
    """Return what an encoder reads of the data: the prompts of tasks, or the sentences of a text; at most 400."""
    found = [task.prompt for task in data.tasks] or _SENTENCE_END.split(data.text)
    return tuple(text.strip() for text in found if len(text.strip()) >= SHORTEST_TEXT)[:MOST_TEXTS]


def assess_encoder(
    bundle: EncoderBundle, reference: EncoderBundle, data: Dataset, gate: Gate | None, progress: Progress
) -> EncoderAssessment:
    """Measure the quality of a bundle against its reference and judge it.

    Raises UsageError when the data holds no text.
    """
    from edgeslm_agent.engine.encoder import EncoderSession  # brings the runtimes, which judging does not need

    texts = texts_of(data)
    if not texts:
        raise UsageError(f"{data.name} is too short to measure quality on", "give at least a few sentences")
    with (
        EncoderSession.open(reference) as theirs,
        EncoderSession.open(bundle) as mine,
        progress(f"measuring the quality of {bundle.manifest.variant}", len(texts)) as advance,
    ):
        if bundle.manifest.encoder.task == "embed":
            quality = _embeddings(mine, theirs, texts, data.name, advance)
        else:
            quality = _labels(mine, theirs, texts, data, advance)
    return EncoderAssessment(quality, None if gate is None else judge_encoder(quality, gate))


def judge_encoder(quality: EncoderQuality, gate: Gate) -> Verdict:
    """Hold a measured quality against the bounds of a gate for encoders."""
    bounds = BOUNDS[gate.name]
    floors = (
        ("mean cosine", quality.cosine_mean, bounds.cosine_mean),
        ("smallest cosine", quality.cosine_min, bounds.cosine_min),
        ("agreement of labels", quality.label_agreement, bounds.label_agreement),
    )
    reasons = tuple(
        f"{what} {value:.4f} is below the {gate.name} gate's {bound:g}"
        for what, value, bound in floors
        if value is not None and not value >= bound
    )
    return Verdict(not reasons, gate.name, reasons)


def _embeddings(
    mine: EncoderSession, theirs: EncoderSession, texts: Sequence[str], name: str, advance: Callable[[int], None]
) -> EncoderQuality:
    cosines = []
    for text in texts:
        cosines.append(cosine(mine.embed(text).vector, theirs.embed(text).vector))
        advance(1)
    return EncoderQuality(name, len(texts), cosine_mean=float(np.mean(cosines)), cosine_min=min(cosines))


def cosine(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Return the cosine of the angle between two vectors, 0 when one of them is zero."""
    length = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one.astype(np.float64) @ other) / length if length else 0.0


def _labels(
    mine: EncoderSession, theirs: EncoderSession, texts: Sequence[str], data: Dataset, advance: Callable[[int], None]
) -> EncoderQuality:
    answers = []
    for text in texts:
        answers.append((mine.classify(text).label, theirs.classify(text).label))
        advance(1)
    expected = [task.expected for task in data.tasks if len(task.prompt.strip()) >= SHORTEST_TEXT][: len(answers)]
    return EncoderQuality(
        data.name,
        len(texts),
        label_agreement=_share([ours == reference for ours, reference in answers]),
        exact_match=_share([a == b for (a, _), b in zip(answers, expected, strict=False)]),
        reference_exact_match=_share([a == b for (_, a), b in zip(answers, expected, strict=False)]),
    )


def _share(hits: Sequence[bool]) -> float | None:
    return sum(hits) / len(hits) if hits else None
