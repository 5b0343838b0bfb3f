"""Runs a decoder graph with onnxruntime; the home of that package (onnx_encoder.py opens its sessions here).

The graph is the one that `edgeslm_exporters.onnx` writes. Its KV cache never moves: each past and its present are bound
to the same memory, which GroupQueryAttention extends in place. Everything a call needs is allocated once (ids,
positions, the two sequence scalars, logits) and only written to afterwards, so a decoding step is a few stores and one
native call.
"""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeslm_agent.engine.runtime.huge_pages import settle_weights
from edgeslm_agent.engine.runtime.kv_cache import allocate_cache
from edgeslm_agent.engine.runtime.pages import RELEASED_ROWS, mapped_regions, new_regions, release, release_libraries
from edgeslm_agent.errors import Corrupt, EdgeSLMError, EnvironmentProblem, Incompatible, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from types import ModuleType

    from numpy.typing import NDArray
    from onnxruntime import InferenceSession, IOBinding, SessionOptions

    from edgeslm_agent.contract.manifest import DecoderShape
    from edgeslm_agent.engine.runtime.kv_cache import Cache

    Floats = NDArray[np.float32]

SESSION_CONFIG = {
    # Not set_denormal_as_zero: it changes the floating-point mode of the caller's own thread, for good.
    "session.use_device_allocator_for_initializers": "1",  # weights that never go do not belong in the arena
    # Threads spin between the operators of a pass (decoding without: 0.7x), and sleep as soon as the pass is over
    # (else each answer is followed by 30 ms of a burning core).
    "session.intra_op.allow_spinning": "1",
    "session.force_spinning_stop": "1",
}
_NO_CONFIG: Mapping[str, str] = {}
# What onnxruntime says when a file is sound but newer, or wants an operator that this build lacks.
_TOO_NEW_FOR_RUNTIME = re.compile(
    r"not a registered function/op|NOT_IMPLEMENTED|Could not find an implementation|Unsupported model IR version"
    r"|only \*guarantees\* support|Unrecognized attribute|No Op registered|unsupported opset",
    re.IGNORECASE,
)


class OnnxRuntime:
    """A decoder graph in an onnxruntime session of its own (see port.Runtime)."""

    def __init__(
        self, graph: Path, shape: DecoderShape, *, min_version: str, threads: int, prefill_rows: int, score_rows: int
    ) -> None:
        """Load `graph` and allocate the buffers of `shape`.

        Raises MissingExtra without onnxruntime, Corrupt for a broken file, Incompatible for a graph that this version
        cannot run, EnvironmentProblem when memory does not suffice.
        """
        self.context, self.vocab_size = shape.context, shape.vocab_size
        self.prefill_rows = min(prefill_rows, shape.context)
        self.score_rows = min(score_rows, shape.context)
        ort = load_onnxruntime()
        check_version(ort.__version__, min_version)
        weights = graph.resolve().with_name(f"{graph.name}.data")
        others = mapped_regions(weights)
        release_libraries()
        self._session: InferenceSession | None = open_session(ort, graph, threads)
        _check_io(self._session, shape)
        self._mapped = new_regions(weights, others)
        release(self._mapped)
        self._rows_read = 0
        self._binding: IOBinding | None = self._session.io_binding()
        rows = max(self.prefill_rows, self.score_rows)
        self._ids = np.zeros(rows, np.int64)
        self._positions = np.zeros(rows, np.int64)
        self._all_rows = np.arange(rows, dtype=np.int64)
        self._last_row = np.zeros(1, np.int64)
        self._seqlens = np.zeros(1, np.int32)
        self._total = np.zeros((), np.int32)
        self._next_logits: Floats = np.zeros(shape.vocab_size, np.float32)
        self._all_logits: Floats | None = None
        self._takes_positions = shape.position_ids
        self._bind_input("seqlens_k", self._seqlens)
        self._bind_input("total_sequence_length", self._total)
        self._cache: Cache = allocate_cache(shape)
        self._bind_cache()
        self._bound = (0, False)

    def settle(self) -> None:
        """Move the packed weights into huge pages."""
        settle_weights()

    def prefill(self, ids: Sequence[int], past: int) -> Floats:
        """Read `ids` after `past` tokens, a chunk at a time; return the logits [vocab] after the last."""
        for start in range(0, len(ids), self.prefill_rows):
            chunk = ids[start : start + self.prefill_rows]
            self._run(chunk, past + start, every_row=False)
        return self._next_logits

    def step(self, token: int, past: int) -> Floats:
        """Read one token after `past` tokens; return the logits [vocab] after it."""
        self._run((token,), past, every_row=False)
        return self._next_logits

    def score(self, ids: Sequence[int], past: int) -> Floats:
        """Read at most `score_rows` ids after `past` tokens; return the logits [len(ids), vocab] after each."""
        if self._all_logits is None:  # as large as the weights for a big vocabulary: only when somebody asks
            self._all_logits = np.empty((self.score_rows, self.vocab_size), np.float32)
        self._run(ids, past, every_row=True)
        return self._all_logits[: len(ids)]

    def cached(self, tokens: int) -> Iterator[NDArray[Any]]:
        """Yield what the first `tokens` left in the cache, layer by layer: key and value, [kv_heads, tokens, ...]."""
        yield from (tensor[0, :, :tokens] for tensor in self._cache)

    def close(self) -> None:
        """Drop the session and its buffers."""
        self._binding = self._session = self._all_logits = None
        self._cache = self._mapped = ()

    def _run(self, ids: Sequence[int], past: int, *, every_row: bool) -> None:
        if self._session is None:
            raise EdgeSLMError("the session is closed", "open the bundle again")
        count = len(ids)
        if self._bound != (count, every_row):
            self._bind_rows(count, every_row=every_row)
        self._ids[:count] = ids
        self._seqlens[0] = past + count - 1
        self._total[()] = past + count
        if self._takes_positions:
            self._positions[:count] = self._all_rows[:count] + past
        try:
            self._session.run_with_iobinding(self._binding)
        except Exception as error:  # the runtime's exceptions share no base class below this
            raise translated(error, f"the graph failed on {count} tokens after {past}") from error
        self._rows_read += count
        if self._rows_read >= RELEASED_ROWS:
            release(self._mapped)
            self._rows_read = 0

    def _bind_rows(self, count: int, *, every_row: bool) -> None:
        """Point ids, positions and logits at the first `count` entries of their buffers."""
        self._bind_input("input_ids", self._ids[:count].reshape(1, count))
        if self._takes_positions:
            self._bind_input("position_ids", self._positions[:count].reshape(1, count))
        if every_row:
            assert self._all_logits is not None
            self._bind_input("logits_positions", self._all_rows[:count])
            self._bind_output("logits", self._all_logits[:count].reshape(1, count, self.vocab_size))
        else:
            self._last_row[0] = count - 1
            self._bind_input("logits_positions", self._last_row)
            self._bind_output("logits", self._next_logits.reshape(1, 1, self.vocab_size))
        self._bound = (count, every_row)

    def _bind_cache(self) -> None:
        for index, tensor in enumerate(self._cache):
            name = f"{index // 2}.{('key', 'value')[index % 2]}"
            self._bind_input(f"past_key_values.{name}", tensor)
            self._bind_output(f"present.{name}", tensor)

    # Binding by address copies nothing and owns nothing: the arrays live as long as this object.
    def _bind_input(self, name: str, array: NDArray[Any]) -> None:
        assert self._binding is not None
        self._binding.bind_input(name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)

    def _bind_output(self, name: str, array: NDArray[Any]) -> None:
        assert self._binding is not None
        self._binding.bind_output(name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)


def load_onnxruntime() -> ModuleType:
    """Return the module onnxruntime, without the telemetry of its maker, which would leave files in the home folder.

    Raises MissingExtra when it is not installed.
    """
    if find_spec("onnxruntime") is None:
        raise MissingExtra("the package onnxruntime is not installed", 'pip install "edgeslm[ort]"')
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime  # lazily: it costs 32 MB, and an agent without a model stays small

    module: ModuleType = onnxruntime
    return module


def check_version(installed: str, needed: str) -> None:
    """Raise Incompatible when the installed onnxruntime is older than the bundle needs."""
    if _numbers(installed) < _numbers(needed):
        raise Incompatible(
            f"the bundle needs onnxruntime {needed}, installed is {installed}",
            f'pip install "onnxruntime>={needed}"',
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _session_options(ort: ModuleType, threads: int, extra: Mapping[str, str]) -> SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3  # errors; warnings are about devices a board does not have
    # Planned memory patterns keep one block for every length of chunk ever seen: 5 MB more, no faster (README.md).
    options.enable_mem_pattern = False
    for key, value in {**SESSION_CONFIG, **extra}.items():
        options.add_session_config_entry(key, value)
    return options


def open_session(ort: ModuleType, graph: Path, threads: int, extra: Mapping[str, str] = _NO_CONFIG) -> InferenceSession:
    """Load a graph on the CPU; `extra` are session configuration entries beside SESSION_CONFIG.

    Raises what `translated` makes of the runtime's refusal.
    """
    try:
        options = _session_options(ort, threads, extra)
        return ort.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's exceptions share no base class below this
        raise translated(error, f"onnxruntime {ort.__version__} cannot load {graph.name}") from error


def translated(error: Exception, what: str) -> EdgeSLMError:
    """Return our error for one of the runtime's: out of memory, too new for it, or a broken file."""
    text = str(error).strip()
    if isinstance(error, MemoryError) or "bad_alloc" in text or "Failed to allocate memory" in text:
        return EnvironmentProblem(f"{what}: out of memory", "close other programs, or use a smaller model or context")
    if _TOO_NEW_FOR_RUNTIME.search(text):
        return Incompatible(f"{what}: {text}", "pip install --upgrade onnxruntime, or export for this board's version")
    return Corrupt(f"{what}: {text}", "run `edgeslm verify` on the bundle, then export it again")


def _check_io(session: InferenceSession, shape: DecoderShape) -> None:
    """Raise Incompatible unless the graph has exactly the inputs and outputs that the engine binds."""
    caches = [f"{layer}.{part}" for layer in range(shape.layers) for part in ("key", "value")]
    inputs = {"input_ids", "seqlens_k", "total_sequence_length", "logits_positions"}
    inputs |= {f"past_key_values.{cache}" for cache in caches} | ({"position_ids"} if shape.position_ids else set())
    outputs = {"logits"} | {f"present.{cache}" for cache in caches}
    found = {node.name for node in session.get_inputs()}, {node.name for node in session.get_outputs()}
    if found != (inputs, outputs):
        odd = sorted((found[0] ^ inputs) | (found[1] ^ outputs))
        raise Incompatible(
            f"the graph's inputs and outputs are not those of the manifest: {', '.join(odd[:6])}",
            "export the bundle again",
        )
