"""A loaded bundle that answers: text in, text out.

    open:      look for the runtime -> load the tokenizer and the graph -> self-test with the manifest's probe
    generate:  chat template -> ids -> prefill in chunks -> (sample -> text -> step)* until stop, length or context
    score:     ids -> logits at every position, a chunk at a time

A session has one KV cache and serves one request at a time: requests of other threads wait for their turn. A generator
that is abandoned gives its turn back when it is closed or collected.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, final

import numpy as np

from edgeslm_agent.engine.decoding import Stopwatch, decode
from edgeslm_agent.engine.generation import Completion, Generation
from edgeslm_agent.engine.runtime.pages import release_libraries
from edgeslm_agent.engine.runtime.port import SCORE_BYTES
from edgeslm_agent.engine.sampling import sampler
from edgeslm_agent.engine.streaming import TokenStream
from edgeslm_agent.engine.tokenizer import FastTokenizer
from edgeslm_agent.engine.turn import Turn
from edgeslm_agent.errors import Incompatible, UsageError
from edgeslm_agent.host import read_host

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from typing_extensions import Self, TypeIs

    from edgeslm_agent.bundle import Bundle
    from edgeslm_agent.contract.manifest import Manifest
    from edgeslm_agent.engine.generation import Token
    from edgeslm_agent.engine.prompt import ChatTemplate, Message
    from edgeslm_agent.engine.runtime.port import Runtime
    from edgeslm_agent.engine.tokenizer import Tokenizer

    Prompt = str | Sequence[int] | Sequence[Message]

PREFILL_ROWS = 128  # tokens a prefill pass reads at once; README.md has the measurement
_DEFAULT = Generation()


@final
class Session:
    """A loaded model; make one with `Session.open`. `load_s` is what opening took."""

    def __init__(self, manifest: Manifest, runtime: Runtime, tokenizer: Tokenizer, load_s: float = 0.0) -> None:
        self.manifest = manifest
        self.load_s = load_s
        self._runtime = runtime
        self._tokenizer = tokenizer
        self._chat = _chat_template(manifest)
        self._turn = Turn()

    @classmethod
    def open(
        cls, bundle: Bundle, *, threads: int | None = None, prefill_rows: int = PREFILL_ROWS, check_probe: bool = True
    ) -> Session:
        """Load a bundle with `threads` (default: the machine's big cores) and run its self-test.

        A prompt is read in chunks of at most `prefill_rows` tokens: fewer take less memory, and more time. Without
        `check_probe` it is opened for a few calls: no self-test, and weights stay where the runtime packed them.

        Raises MissingExtra when a package is missing, Corrupt for a broken file, Incompatible when the bundle is not
        for this runtime or its self-test answers differently here, EnvironmentProblem without enough memory.
        """
        started = time.perf_counter()
        manifest = bundle.manifest
        tokenizer = FastTokenizer(bundle.file(manifest.tokenizer))
        runtime = _open_runtime(bundle, threads or read_host().default_threads, prefill_rows)
        session = cls(manifest, runtime, tokenizer)
        if check_probe:
            runtime.settle()
            session._self_test()  # reads the weights where they are now
        release_libraries()
        session.load_s = time.perf_counter() - started
        return session

    def __enter__(self) -> Self:
        """Return the session itself."""
        return self

    def __exit__(self, *_raised: object) -> None:
        """Close it."""
        self.close()

    def encode(self, text: str) -> list[int]:
        """Return the ids of `text`, after the model's first token when it wants one."""
        ids = self._tokenizer.encode(text)
        first = self.manifest.bos_token_id
        return ids if first is None or ids[:1] == [first] else [first, *ids]

    def decode(self, token_ids: Sequence[int]) -> str:
        """Return the text of `token_ids`, without special tokens."""
        return self._tokenizer.decode(token_ids)

    def encode_prompt(
        self, prompt: str | Sequence[Message], options: Generation = _DEFAULT, *, answer: str = ""
    ) -> list[int]:
        """Return the ids of a prompt as the model reads it, followed by the beginning of an `answer`.

        Raises UsageError or Incompatible for messages that the bundle's chat template does not take.
        """
        if isinstance(prompt, str):
            if self._chat is None or not options.chat:
                return self.encode(prompt + answer)
            prompt = [{"role": "user", "content": prompt}]
        if self._chat is None:
            raise Incompatible(f"{self.manifest.variant} has no chat format", "use complete() or `edgeslm run`")
        return self._chat.encode(prompt, options, self._tokenizer, answer)

    def generate(self, prompt: Prompt, options: Generation = _DEFAULT) -> Iterator[Token]:
        """Return the answer's tokens as they are chosen; the joined texts are the answer.

        A prompt is a text, messages (`{"role": "system", "user" or "assistant", "content": text}`), or ids, which are
        taken as they are. Bytes that make no character at the end are written as U+FFFD.
        Raises Incompatible at once when the prompt is longer than the bundle allows, UsageError for an empty one.
        """
        return self._tokens(self._prompt(prompt, options), options, Stopwatch())

    def complete(self, prompt: Prompt, options: Generation = _DEFAULT) -> Completion:
        """Return the whole answer with what it took; raises as generate does."""
        watch = Stopwatch()
        ids = self._prompt(prompt, options)
        tokens = list(self._tokens(ids, options, watch))
        return Completion(
            text="".join(token.text for token in tokens),
            token_ids=tuple(token.id for token in tokens),
            stop_reason=watch.stop_reason,
            figures=watch.figures(len(ids), len(tokens)),
        )

    def chat(self, prompt: str | Sequence[Message], options: Generation = _DEFAULT) -> Completion:
        """Return the answer to one message, or to a conversation, in the bundle's chat format.

        Raises Incompatible when the bundle has none, and as generate does.
        """
        messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
        return self.complete(messages, options)

    def score(self, token_ids: Sequence[int]) -> NDArray[np.float32]:
        """Return the logits after each of `token_ids` as float32 [len, vocab].

        Raises Incompatible when they do not fit the context.
        """
        logits = np.empty((len(token_ids), self.manifest.decoder.vocab_size), np.float32)
        for start, chunk in self.score_chunks(token_ids):
            logits[start : start + len(chunk)] = chunk
        return logits

    def score_chunks(self, token_ids: Sequence[int]) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Yield (start, logits [n, vocab]) in order, in bounded memory; each array is valid until the next.

        Raises Incompatible at once when the ids do not fit the context.
        """
        ids = self._checked(token_ids, self.manifest.decoder.context)
        return self._scored(ids)

    def close(self) -> None:
        """Give the memory back, after the requests of other threads; a request made afterwards raises EdgeSLMError."""
        with self._turn.last():
            self._runtime.close()

    def _tokens(self, ids: Sequence[int], options: Generation, watch: Stopwatch) -> Iterator[Token]:
        stops = frozenset() if options.ignore_stop else frozenset(self.manifest.stop_token_ids)
        limit = min(options.max_tokens, self.manifest.limits.max_tokens)
        text = TokenStream(self._tokenizer, () if options.ignore_stop else options.stop)
        with self._turn:
            for token in decode(self._runtime, ids, pick=sampler(options), stops=stops, limit=limit, watch=watch):
                yield from text.push(token)
                if text.stopped:
                    watch.stop_reason = "stop"
                    return
            yield from text.finish()

    def _scored(self, ids: Sequence[int]) -> Iterator[tuple[int, NDArray[np.float32]]]:
        rows = self._runtime.score_rows
        with self._turn:
            for start in range(0, len(ids), rows):
                yield start, self._runtime.score(ids[start : start + rows], start)

    def _prompt(self, prompt: Prompt, options: Generation) -> list[int]:
        ids = self.encode_prompt(prompt, options) if _is_text(prompt) else prompt
        return self._checked(ids, min(self.manifest.limits.max_prompt_tokens, self.manifest.decoder.context))

    def _checked(self, token_ids: Sequence[int], most: int) -> list[int]:
        ids = [int(token) for token in token_ids]
        if not ids:
            raise UsageError("the prompt is empty", "give at least one token")
        if len(ids) > most:
            raise Incompatible(
                f"{len(ids)} tokens do not fit: {self.manifest.variant} takes up to {most}",
                "shorten the text, or export the model with a larger --context",
            )
        if min(ids) < 0 or max(ids) >= self.manifest.decoder.vocab_size:
            raise UsageError(
                f"a token id lies outside the vocabulary of {self.manifest.decoder.vocab_size}",
                "make the ids with encode() of the same bundle",
            )
        return ids

    def _self_test(self) -> None:
        probe = self.manifest.probe
        logits = self._runtime.prefill(self._checked(probe.token_ids, self.manifest.decoder.context), 0)
        answer = tuple(int(token) for token in np.argsort(-logits, kind="stable")[: len(probe.top_tokens)])  # NaN last
        if answer != probe.top_tokens:
            raise Incompatible(
                f"self-test failed: the graph ranks tokens {answer} first where the bundle expects {probe.top_tokens}",
                "this runtime computes something else on this machine: try another version, and report the bundle",
            )


def _is_text(prompt: Prompt) -> TypeIs[str | Sequence[Message]]:
    return isinstance(prompt, str) or any(isinstance(part, Mapping) for part in prompt[:1])


def _chat_template(manifest: Manifest) -> ChatTemplate | None:
    if manifest.chat is None:
        return None
    from edgeslm_agent.engine.prompt import ChatTemplate

    return ChatTemplate(manifest.chat)


def _open_runtime(bundle: Bundle, threads: int, prefill_rows: int) -> Runtime:
    """Load the bundle's graph with the runtime of its format; the other's home is not even imported."""
    manifest = bundle.manifest
    score_rows = max(1, min(PREFILL_ROWS, SCORE_BYTES // (4 * manifest.decoder.vocab_size)))
    if manifest.format == "tflite":
        from edgeslm_agent.engine.runtime.litert import LitertRuntime

        return LitertRuntime(
            bundle.file(manifest.decoder.graph),
            manifest.decoder,
            min_version=manifest.runtime.min_version,
            threads=threads,
            prefill_rows=prefill_rows,
            score_rows=score_rows,
        )
    if manifest.format != "onnx":
        raise Incompatible(
            f"this agent cannot run format '{manifest.format}'", "export with --format onnx, or --format tflite"
        )
    from edgeslm_agent.engine.runtime.onnx import OnnxRuntime

    return OnnxRuntime(
        bundle.file(manifest.decoder.graph),
        manifest.decoder,
        min_version=manifest.runtime.min_version,
        threads=threads,
        prefill_rows=prefill_rows,
        score_rows=score_rows,
    )
