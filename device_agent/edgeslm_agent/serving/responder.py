"""The port to whatever answers prompts, its adapter to the engine, and a fake without a model."""

from __future__ import annotations

import statistics
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Protocol

from edgeslm_agent.contract.manifest import Manifest
from edgeslm_agent.errors import EdgeSLMError
from edgeslm_agent.host import peak_rss_bytes
from edgeslm_agent.telemetry.drift import claims

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from edgeslm_agent.bundle import Bundle, EncoderBundle
    from edgeslm_agent.engine.encoder import PassFigures
    from edgeslm_agent.engine.generation import Completion
    from edgeslm_agent.engine.session import Session

_MEASURE_RUNS = 3


@dataclass(frozen=True)
class ModelFacts:
    """What is loaded: the bundle's id, the model's and the variant's name, and the operations it is for.

    `claims` are the tokens per second that the bundle states, by profile.
    """

    bundle: str
    model: str
    variant: str
    purpose: tuple[str, ...] = ("generate",)
    claims: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """A text or label, or an embedding, and the numbers of making it in the names of PROTOCOL.md (R1)."""

    text: str | None
    figures: Mapping[str, float] = field(default_factory=dict)
    embedding: tuple[float, ...] = ()


class Responder(Protocol):
    """A loaded model, used by one thread. Raises EdgeSLMError for what the asker should know."""

    @property
    def facts(self) -> ModelFacts:
        """What is loaded."""

    def answer(self, prompt: str, max_tokens: int | None) -> Answer:
        """Answer one prompt: what the model is for decides how; `max_tokens` bounds what it writes."""

    def measure(self) -> Mapping[str, float]:
        """Return the speed of this machine with this model, in the names of an answer's figures."""

    def close(self) -> None:
        """Give the memory back."""


def open_responder(path: Path, threads: int | None = None) -> Responder:
    """Load the bundle at `path`, whatever its model does."""
    from edgeslm_agent.bundle import Bundle, open_any

    bundle = open_any(path)
    return BundleResponder(bundle, threads) if isinstance(bundle, Bundle) else EncoderResponder(bundle, threads)


class BundleResponder:
    """A decoder's bundle through the engine. The imports here are the moment an agent becomes big."""

    def __init__(self, bundle: Bundle, threads: int | None = None) -> None:
        from edgeslm_agent.engine.session import Session

        self.facts = facts_of(bundle)
        self._shape = bundle.manifest.decoder.vocab_size, bundle.manifest.context
        self._session: Session = Session.open(bundle, threads=threads)

    def answer(self, prompt: str, max_tokens: int | None) -> Answer:
        """Answer greedily, in the bundle's chat format when it has one."""
        from edgeslm_agent.engine.generation import Generation

        options = Generation() if max_tokens is None else Generation(max_tokens=max_tokens)
        completion = self._session.complete(prompt, options)
        return Answer(completion.text, _figures(completion))

    def measure(self) -> Mapping[str, float]:
        """Answer what every machine is timed with a few times and return the medians, after a first that warms up."""
        from edgeslm_agent.engine.generation import Generation
        from edgeslm_agent.engine.workload import workload

        work = workload(*self._shape)
        options = Generation(max_tokens=work.new_tokens, ignore_stop=True)
        runs = [_figures(self._session.complete(work.prompt, options)) for _ in range(1 + _MEASURE_RUNS)][1:]
        shared = [name for name in runs[0] if all(name in run for run in runs)]
        medians = {name: statistics.median(run[name] for run in runs) for name in shared}
        return {**medians, "load_s": self._session.load_s, "peak_rss_bytes": peak_rss_bytes()}

    def close(self) -> None:
        """Close the session."""
        self._session.close()


class EncoderResponder:
    """An encoder's bundle through the engine: it embeds, or it classifies."""

    def __init__(self, bundle: EncoderBundle, threads: int | None = None) -> None:
        from edgeslm_agent.engine.encoder import EncoderSession

        self.facts = facts_of(bundle)
        self._session = EncoderSession.open(bundle, threads=threads)

    def answer(self, prompt: str, max_tokens: int | None) -> Answer:  # noqa: ARG002  # an encoder writes no tokens
        """Return the prompt's embedding, or its label with the score among the figures."""
        if self._session.manifest.encoder.task == "embed":
            embedding = self._session.embed(prompt)
            return Answer(None, _pass_figures(embedding.figures), tuple(float(f"{x:.7g}") for x in embedding.vector))
        found = self._session.classify(prompt)
        return Answer(found.label, {"score": float(f"{found.score:.6g}"), **_pass_figures(found.figures)})

    def measure(self) -> Mapping[str, float]:
        """Read the bundle's probe a few times and return the medians."""
        ids = self._session.manifest.probe.token_ids
        seconds = []
        for _ in range(_MEASURE_RUNS):
            started = time.perf_counter()
            self._session.run(ids)
            seconds.append(time.perf_counter() - started)
        took = statistics.median(seconds)
        return {
            "prompt_tokens": len(ids),
            "answer_s": float(f"{took:.6g}"),
            "prefill_tps": float(f"{len(ids) / took:.6g}"),
            "load_s": self._session.load_s,
        }

    def close(self) -> None:
        """Close the session."""
        self._session.close()


def read_facts(path: Path) -> ModelFacts | None:
    """Return what a bundle holds without reading its weights; None when it cannot be opened, which loading will say."""
    from edgeslm_agent.bundle import open_any

    try:
        return facts_of(open_any(path, verify=False))
    except EdgeSLMError:
        return None


def facts_of(bundle: Bundle | EncoderBundle) -> ModelFacts:
    """Return what an opened bundle holds."""
    manifest = bundle.manifest
    purpose = "generate" if isinstance(manifest, Manifest) else manifest.encoder.task
    return ModelFacts(bundle.bundle_id, manifest.model.name, manifest.variant, (purpose,), claims(bundle))


def _pass_figures(figures: PassFigures) -> dict[str, float]:
    return {name: float(f"{value:.6g}") for name, value in asdict(figures).items()}


def _figures(completion: Completion) -> dict[str, float]:
    figures = completion.figures
    found: dict[str, float | None] = {
        "prompt_tokens": figures.prompt_tokens,
        "completion_tokens": figures.completion_tokens,
        "first_token_s": figures.first_token_s,
        "prefill_tps": figures.prefill_tps,
        "decode_tps": figures.decode_tps,
    }
    return {name: float(f"{value:.6g}") for name, value in found.items() if value is not None}


class Echo:
    """A responder without a model, for tests and simulated fleets: it answers every prompt with the prompt."""

    facts = ModelFacts("0" * 64, "echo", "echo")

    def answer(self, prompt: str, max_tokens: int | None) -> Answer:
        """Return the first `max_tokens` words."""
        words = prompt.split()[:max_tokens]
        count = float(len(words))
        figures = {"completion_tokens": count, "first_token_s": 0.001, "prefill_tps": 1000.0, "decode_tps": 100.0}
        return Answer(" ".join(words), figures)

    def measure(self) -> Mapping[str, float]:
        """Return invented speeds."""
        return {"first_token_s": 0.001, "prefill_tps": 1000.0, "decode_tps": 100.0}

    def close(self) -> None:
        """Nothing to give back."""
