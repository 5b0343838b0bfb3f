"""Quality against the fp32 reference: KL divergence a token, top-1 agreement, perplexity ratio; exact match and flips.

Both models score the same tokens, in lockstep and chunk by chunk, so that memory does not grow with the text. On tasks
only the positions that predict the expected answer count: what a model would say after its own prompt.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from edgeslm_agent.engine.generation import Generation
from edgeslm_agent.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from edgeslm.profiler.dataset import Dataset, Task
    from edgeslm_agent.engine.session import Session

MAX_SCORED_TOKENS = 16_384  # mean KL near 0.03 is then known to 2-3 %


@dataclass(frozen=True)
class Quality:
    """KL in nats a token with the mean's standard error, agreement and flips as shares, over `tokens` positions.

    `longest` is the longest sequence in tokens: what builds up along a context, as the error of a quantised KV cache,
    was judged as far as that. `json_tasks`: the data were tasks with JSON answers, which small models are judged more
    strictly on (`gate_for`).
    """

    data: str
    tokens: int
    kld_mean: float
    kld_stderr: float
    kld_p99: float
    kld_p999: float
    top1_agreement: float
    ppl_ratio: float
    tasks: int = 0
    exact_match: float | None = None
    reference_exact_match: float | None = None
    flips: float | None = None
    json_tasks: bool = False
    longest: int = 0


class Scorer(Protocol):
    """What gives logits: a session, or one that remembers them."""

    def score_chunks(self, token_ids: Sequence[int]) -> Iterable[tuple[int, NDArray[np.float32]]]:
        """Return (start, logits [n, vocabulary]) in order."""


class Remembered:
    """A session that keeps the logits it gave, in at most `most_bytes`, for when the same tokens come again."""

    def __init__(self, session: Session, most_bytes: int) -> None:
        self._session = session
        self._free = most_bytes
        self._kept: dict[tuple[int, ...], list[tuple[int, NDArray[np.float32]]]] = {}

    def score_chunks(self, token_ids: Sequence[int]) -> Iterable[tuple[int, NDArray[np.float32]]]:
        """Return (start, logits [n, vocabulary]) in order."""
        key = tuple(token_ids)
        size = 4 * len(key) * self._session.manifest.decoder.vocab_size
        if key not in self._kept:
            if size > self._free:
                return self._session.score_chunks(key)
            self._free -= size
            self._kept[key] = [(start, logits.copy()) for start, logits in self._session.score_chunks(key)]
        return self._kept[key]


@dataclass(frozen=True)
class Scored:
    """Tokens to score together; positions from `first` on count (position i predicts token i + 1)."""

    token_ids: tuple[int, ...]
    first: int


def evaluate(
    candidate: Session, reference: Session, data: Dataset, advance: Callable[[int], None] = lambda _tokens: None
) -> Quality:
    """Score both sessions on the data and, with tasks, answer them greedily.

    Raises UsageError when the data is too short to say anything.
    """
    scored = list(sequences(candidate, data))
    if not scored:
        raise UsageError(f"{data.name} is too short to measure quality on", "give at least a few sentences")
    divergence, agreement, surprise = compare_all(candidate, reference, scored, advance)
    answers = _answers(candidate, reference, data.tasks, advance)
    return Quality(
        data=data.name,
        tokens=len(divergence),
        kld_mean=float(divergence.mean()),
        kld_stderr=float(divergence.std() / np.sqrt(len(divergence))),
        kld_p99=float(np.quantile(divergence, 0.99)),
        kld_p999=float(np.quantile(divergence, 0.999)),
        top1_agreement=float(agreement.mean()),
        ppl_ratio=float(np.exp(surprise.mean())),
        json_tasks=data.json_tasks,
        longest=max(len(sequence.token_ids) for sequence in scored),
        **answers,
    )


def mean_divergence(
    candidate: Session,
    reference: Scorer,
    data: Dataset,
    most_tokens: int,
    advance: Callable[[int], None] = lambda _tokens: None,
) -> float:
    """Return KL(reference || candidate) in nats a token over about `most_tokens` positions; tasks are not answered.

    Raises UsageError when the data is too short to say anything.
    """
    chosen, positions = [], 0
    for sequence in sequences(candidate, data, most_tokens):
        chosen.append(sequence)
        positions += len(sequence.token_ids) - 1 - sequence.first
        if positions >= most_tokens:
            break
    if not chosen:
        raise UsageError(f"{data.name} is too short to calibrate on", "give at least a few sentences")
    divergence, _, _ = compare_all(candidate, reference, chosen, advance)
    return float(divergence.mean())


def work(data: Dataset) -> int:
    """Return how often `advance` will at least be called for, in sequences and tasks (for a progress bar)."""
    return 2 * len(data.tasks) if data.tasks else MAX_SCORED_TOKENS


def sequences(session: Session, data: Dataset, most_tokens: int = MAX_SCORED_TOKENS) -> Iterator[Scored]:
    """Yield what is scored together: windows of a text of at most `most_tokens`, or each task with its answer."""
    if data.tasks:
        yield from (_task_sequence(session, task) for task in data.tasks)
        return
    ids = session.encode(data.text)[: most_tokens + 1]
    window = session.manifest.context
    for start in range(0, len(ids) - 1, window):
        yield Scored(tuple(ids[start : start + window]), 0)


def _task_sequence(session: Session, task: Task) -> Scored:
    """Put the expected answer after the prompt; what counts starts where the two texts part."""
    alone = session.encode_prompt(task.prompt)
    whole = [*session.encode_prompt(task.prompt, answer=task.answer), *session.manifest.stop_token_ids[:1]]
    shared = next((i for i, (a, b) in enumerate(zip(alone, whole, strict=False)) if a != b), len(alone))
    return Scored(tuple(whole[: session.manifest.context]), max(shared - 1, 0))


def compare_all(
    candidate: Scorer,
    reference: Scorer,
    scored: Sequence[Scored],
    advance: Callable[[int], None] = lambda _tokens: None,
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    """Return for every scored position what `compare_logits` does."""
    parts = []
    for sequence in scored:
        parts.append(_compare(candidate, reference, sequence))
        advance(1 if sequence.first else len(sequence.token_ids))
    divergence, agreement, surprise = (np.concatenate(column) for column in zip(*parts, strict=True))
    return divergence, agreement, surprise


def _compare(candidate: Scorer, reference: Scorer, sequence: Scored) -> tuple[Any, Any, Any]:
    """Compare one sequence: KL(reference || candidate), equal top token, log p_ref - log p of the true next token."""
    ids, shown = np.asarray(sequence.token_ids), sequence.token_ids[:-1]
    parts = []
    chunks = zip(candidate.score_chunks(shown), reference.score_chunks(shown), strict=True)
    for (start, mine), (_, theirs) in chunks:
        skip = max(sequence.first - start, 0)
        if skip >= len(mine):
            continue
        targets = ids[start + skip + 1 : start + len(mine) + 1]
        parts.append(compare_logits(theirs[skip:], mine[skip:], targets))
    columns = zip(*parts, strict=True)
    divergence, agreement, surprise = (np.concatenate(column) for column in columns)
    return divergence, agreement, surprise


def compare_logits(
    reference: NDArray[np.float32], candidate: NDArray[np.float32], targets: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    """Compare logits [positions, vocabulary] against the true next tokens [positions].

    Returns KL(p_ref || p) in nats, whether the top tokens agree, and log p_ref - log p of the target.
    """
    log_p, log_q = _log_softmax(reference), _log_softmax(candidate)
    divergence = np.maximum((np.exp(log_p) * (log_p - log_q)).sum(axis=1), 0.0)
    agreement = reference.argmax(axis=1) == candidate.argmax(axis=1)
    rows = np.arange(len(targets))
    return divergence, agreement, log_p[rows, targets] - log_q[rows, targets]


def _log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shifted


def _answers(
    candidate: Session, reference: Session, tasks: Sequence[Task], advance: Callable[[int], None]
) -> dict[str, Any]:
    """Answer the tasks greedily with both; flips = the share whose correctness changed, either way."""
    if not tasks:
        return {}
    mine, theirs = [], []
    for task in tasks:
        mine.append(is_right(candidate, task))
        theirs.append(is_right(reference, task))
        advance(1)
    flips = sum(a != b for a, b in zip(mine, theirs, strict=True))
    count = len(tasks)
    return {
        "tasks": count,
        "exact_match": sum(mine) / count,
        "reference_exact_match": sum(theirs) / count,
        "flips": flips / count,
    }


def is_right(session: Session, task: Task) -> bool:
    """Whether the greedy answer equals the expected one: as text, or as a JSON value."""
    if len(session.encode_prompt(task.prompt)) > session.manifest.limits.max_prompt_tokens:
        return False
    budget = 2 * len(session.encode(task.answer)) + 8  # room to be wrong in, not to ramble
    text = session.complete(task.prompt, Generation(max_tokens=budget, temperature=0.0)).text.strip()
    if isinstance(task.expected, str):
        return text == task.expected.strip()
    try:
        return bool(json.loads(text) == task.expected)
    except ValueError:
        return False
