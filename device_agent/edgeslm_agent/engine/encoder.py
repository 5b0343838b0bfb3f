"""A loaded encoder: a text in, its embedding or its label out.

    open:    load the tokenizer and the graph -> self-test with the manifest's probe
    answer:  ids with special tokens, cut to the bundle's context -> one pass -> vector, or label and score

Pooling, normalisation and the scores' softmax or sigmoid are part of the graph. A text longer than the context is cut,
as sentence-transformers does, and `dropped_tokens` says so. Threads may share a session.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, final

from edgeslm_agent.engine.runtime.litert_encoder import LitertEncoder
from edgeslm_agent.engine.runtime.onnx_encoder import OnnxEncoder
from edgeslm_agent.engine.tokenizer import SentenceTokenizer
from edgeslm_agent.errors import Incompatible, UsageError
from edgeslm_agent.host import read_host

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Self

    from edgeslm_agent.bundle import EncoderBundle
    from edgeslm_agent.contract.manifest import EncoderManifest, Task


@dataclass(frozen=True)
class PassFigures:
    """What one answer took on this machine, measured: tokens read, tokens cut off, seconds, tokens read a second."""

    prompt_tokens: int
    dropped_tokens: int
    answer_s: float
    prefill_tps: float


@dataclass(frozen=True)
class Embedding:
    """A text's vector, float32 [width]."""

    vector: NDArray[np.float32]
    figures: PassFigures


@dataclass(frozen=True)
class Classification:
    """The likeliest label with its score, and the scores of all labels (0 to 1)."""

    label: str
    score: float
    scores: Mapping[str, float]
    figures: PassFigures


class EncoderRuntime(Protocol):
    """What computes an encoder's graph."""

    def run(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """Return the output float32 [width] for one text's ids."""

    def close(self) -> None:
        """Give the memory back; the runtime is of no use afterwards."""


RUNTIMES: dict[str, type[OnnxEncoder | LitertEncoder]] = {"onnx": OnnxEncoder, "tflite": LitertEncoder}


@final
class EncoderSession:
    """A loaded encoder; make one with `EncoderSession.open`. `load_s` is what opening took."""

    def __init__(self, manifest: EncoderManifest, runtime: EncoderRuntime, tokenizer: SentenceTokenizer) -> None:
        self.manifest = manifest
        self.load_s = 0.0
        self._runtime = runtime
        self._tokenizer = tokenizer

    @classmethod
    def open(cls, bundle: EncoderBundle, *, threads: int | None = None, check_probe: bool = True) -> EncoderSession:
        """Load a bundle with `threads` (default: the machine's big cores) and run its self-test.

        Raises MissingExtra when a package is missing, Corrupt for a broken file, Incompatible when the bundle is not
        for this runtime or its self-test answers differently here, EnvironmentProblem without enough memory.
        """
        started = time.perf_counter()
        manifest = bundle.manifest
        if manifest.format not in RUNTIMES:
            raise Incompatible(f"this agent cannot run format '{manifest.format}'", "export with --format onnx")
        tokenizer = SentenceTokenizer(bundle.file(manifest.tokenizer), manifest.context)
        runtime = RUNTIMES[manifest.format](
            bundle.file(manifest.graph),
            manifest.encoder,
            min_version=manifest.runtime.min_version,
            threads=threads or read_host().default_threads,
        )
        session = cls(manifest, runtime, tokenizer)
        if check_probe:
            session._self_test()
        session.load_s = time.perf_counter() - started
        return session

    def __enter__(self) -> Self:
        """Return the session itself."""
        return self

    def __exit__(self, *_raised: object) -> None:
        """Close it."""
        self.close()

    def embed(self, text: str) -> Embedding:
        """Return the embedding of `text`.

        Raises Incompatible for a classifier, UsageError for an empty text.
        """
        self._require("embed")
        return Embedding(*self._answer(text))

    def classify(self, text: str) -> Classification:
        """Return the label of `text`.

        Raises Incompatible for an encoder that embeds, UsageError for an empty text.
        """
        self._require("classify")
        output, figures = self._answer(text)
        scores = dict(zip(self.manifest.encoder.labels, map(float, output), strict=True))
        label = max(scores, key=scores.__getitem__)
        return Classification(label, scores[label], scores, figures)

    def run(self, token_ids: Sequence[int]) -> NDArray[np.float32]:
        """Return the graph's output float32 [width] for ids that are complete with their special tokens."""
        if not token_ids:
            raise UsageError("the text is empty", "give at least one token")
        if min(token_ids) < 0 or max(token_ids) >= self.manifest.encoder.vocab_size:
            raise UsageError(
                f"a token id lies outside the vocabulary of {self.manifest.encoder.vocab_size}",
                "the tokenizer must be the model's own",
            )
        return self._runtime.run(token_ids)

    def close(self) -> None:
        """Give the memory back; a request made afterwards raises EdgeSLMError."""
        self._runtime.close()

    def _answer(self, text: str) -> tuple[NDArray[np.float32], PassFigures]:
        if not text.strip():
            raise UsageError("the text is empty", "give a text to read")
        started = time.perf_counter()
        ids, dropped = self._tokenizer.encode(text)
        output = self.run(ids)
        seconds = time.perf_counter() - started
        return output, PassFigures(len(ids), dropped, seconds, len(ids) / seconds)

    def _require(self, task: Task) -> None:
        served = self.manifest.encoder.task
        if served != task:
            raise Incompatible(f"{self.manifest.variant} cannot {task}", f"it can {served}")

    def _self_test(self) -> None:
        probe = self.manifest.probe
        answer = int(self.run(probe.token_ids).argmax())
        if answer != probe.largest:
            raise Incompatible(
                f"self-test failed: output {answer} is the largest where the bundle expects {probe.largest}",
                "this runtime computes something else on this machine: try another version, and report the bundle",
            )
