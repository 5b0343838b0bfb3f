"""Runs a decoder's signatures with LiteRT; the home of the package ai-edge-litert.

The file is one that `edgeslm_exporters.tflite` wrote, or one with the same signatures (LiteRT's own exporters name them
so): `prefill_N` reads N tokens into the cache, `decode` reads one and gives logits, `score_N` gives the logits of all.
Each cache is one buffer, passed as input and output of every signature, which DYNAMIC_UPDATE_SLICE extends in place.
Sizes are fixed: a chunk that is not full is padded with tokens behind the end, which the mask hides and whose cache
rows the next call overwrites. All signatures share one packed copy of the weights.
"""

from __future__ import annotations

import re
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeslm_agent.engine.runtime.pages import release_pages
from edgeslm_agent.engine.runtime.quiet import native_stderr, silence_exit
from edgeslm_agent.engine.runtime.tflite_file import open_tflite
from edgeslm_agent.errors import Corrupt, EdgeSLMError, EnvironmentProblem, Incompatible, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ai_edge_litert.compiled_model import CompiledModel, TensorBuffer
    from numpy.typing import NDArray

    from edgeslm_agent.contract.manifest import DecoderShape

    Floats = NDArray[np.float32]
    Buffers = Mapping[str, TensorBuffer]

PACKAGE = "ai-edge-litert"
OLDEST = "2.2.0"  # the first whose CompiledModel takes threads and a cache of packed weights
HIDDEN = np.float32(-1e9)  # added to the scores of tokens that must not be seen
# A call costs as much as 6 tokens plus its own: measured on a 135M decoder, 4.2 ms for 1, 7.9 for 8, 22 for 32.
CALL_TOKENS = 6
_SIZED = re.compile(r"(prefill|score)_(\d+)")
_TOO_NEW_FOR_RUNTIME = re.compile(
    r"op builtin_code out of range|Didn't find op|unresolved|not supported", re.IGNORECASE
)


class LitertRuntime:
    """A decoder's signatures in a LiteRT model of its own (see port.Runtime)."""

    def __init__(self, graph: Path, shape: DecoderShape, *, min_version: str, threads: int, score_rows: int) -> None:
        """Load `graph` and allocate the caches of `shape`.

        Raises MissingExtra without ai-edge-litert, Corrupt for a broken file, Incompatible for a file that this version
        cannot run or that lacks a signature, EnvironmentProblem when memory does not suffice.
        """
        check_litert(min_version)
        self.context, self.vocab_size = shape.context, shape.vocab_size
        self._model: CompiledModel | None = _open_model(graph, threads)
        signatures = _checked_signatures(self._model, shape)
        sized = [match for match in map(_SIZED.fullmatch, signatures) if match]
        self._prefill = {int(match[2]): match[0] for match in sized if match[1] == "prefill"}
        self._score = next(((int(match[2]), match[0]) for match in sized if match[1] == "score"), (1, "decode"))
        self.score_rows = min(score_rows, shape.context)
        self._all_logits: Floats | None = None
        with native_stderr():
            self._caches = _allocate_caches(self._model, signatures["decode"])
        self._calls: dict[str, _Call] = {}
        self._graph = graph.resolve()

    def prefill(self, ids: Sequence[int], past: int) -> Floats:
        """Read `ids` after `past` tokens in chunks, the last of them alone; return the logits [vocab] after it."""
        read, end = 0, len(ids) - 1
        while read < end:
            size = best_size(tuple(self._prefill), end - read, self.context - past - read)
            count = min(size, end - read)
            self._run(self._prefill.get(size, "decode"), ids[read : read + count], past + read)
            read += count
        return self.step(ids[-1], past + end)

    def step(self, token: int, past: int) -> Floats:
        """Read one token after `past` tokens; return the logits [vocab] after it."""
        logits: Floats = self._run("decode", (token,), past)[0]
        return logits

    def score(self, ids: Sequence[int], past: int) -> Floats:
        """Read at most `score_rows` ids after `past` tokens; return the logits [len(ids), vocab] after each."""
        if self._all_logits is None:  # as large as the weights for a big vocabulary: only when somebody asks
            self._all_logits = np.empty((self.score_rows, self.vocab_size), np.float32)
        read = 0
        while read < len(ids):
            size, name = self._score if past + read + self._score[0] <= self.context else (1, "decode")
            rows = ids[read : read + size]
            self._all_logits[read : read + len(rows)] = self._run(name, rows, past + read)
            read += len(rows)
        return self._all_logits[: len(ids)]

    def close(self) -> None:
        """Drop the model and its buffers."""
        with native_stderr():
            self._calls.clear()
            self._caches = {}
            self._model = self._all_logits = None

    def _run(self, name: str, ids: Sequence[int], past: int) -> Floats:
        if self._model is None:
            raise EdgeSLMError("the session is closed", "open the bundle again")
        if name in self._calls:
            return self._calls[name].run(ids, past)
        self._calls[name] = _Call(self._model, name, self._caches, self.context)
        logits = self._calls[name].run(ids, past)
        release_pages(self._graph)  # the first run packs the weights; embedding rows come back one by one
        return logits


def best_size(sizes: Sequence[int], left: int, room: int) -> int:
    """Return how many tokens to read at once: the cheapest for each of the `left` that wait, within `room` tokens."""
    fitting = (1, *(size for size in sizes if size <= room))
    return min(fitting, key=lambda size: ((CALL_TOKENS + size) / min(size, left), -size))


class _Call:
    """One signature with the buffers it reads and writes."""

    def __init__(self, model: CompiledModel, name: str, caches: Buffers, context: int) -> None:
        self._model, self._name = model, name
        inputs, outputs = model.get_input_tensor_details(name), model.get_output_tensor_details(name)
        own = {key: model.create_input_buffer_by_name(name, key) for key in inputs if key not in caches}
        self._inputs = {**own, **{key: caches[key] for key in inputs if key in caches}}
        self._outputs = {key: caches[key] for key in outputs if key in caches}
        rows = int(inputs["tokens"]["shape"][1])
        self._tokens = np.zeros((1, rows), np.int32)
        self._rows = np.arange(rows, dtype=np.int32)
        self._mask = np.full((1, 1, rows, context), HIDDEN) if "mask" in inputs else None
        self._keys = np.arange(context, dtype=np.int32)
        self._logits_shape: tuple[int, ...] = ()
        if "logits" in outputs:
            self._outputs["logits"] = model.create_output_buffer_by_name(name, "logits")
            self._logits_shape = tuple(outputs["logits"]["shape"])[1:]

    def run(self, ids: Sequence[int], past: int) -> Floats:
        """Read ids after `past` tokens; return the logits [len(ids), vocab] of a signature that gives any."""
        positions = past + self._rows
        self._tokens[0, : len(ids)] = ids
        self._tokens[0, len(ids) :] = 0
        self._inputs["tokens"].write(self._tokens)
        self._inputs["input_pos"].write(positions)
        if self._mask is not None:
            self._mask[0, 0] = np.where(self._keys <= positions[:, None], np.float32(0), HIDDEN)
            self._inputs["mask"].write(self._mask)
        try:
            self._model.run_by_name(self._name, self._inputs, self._outputs)
        except RuntimeError as error:
            raise _translated(error, f"{self._name} failed on {len(ids)} tokens after {past}") from error
        if not self._logits_shape:
            return np.empty((0, 0), np.float32)
        logits: Floats = self._outputs["logits"].read(int(np.prod(self._logits_shape)), np.float32)
        return logits.reshape(self._logits_shape)[: len(ids)]


def check_litert(min_version: str) -> None:
    """Raise MissingExtra without ai-edge-litert, Incompatible when it is older than the bundle needs."""
    if find_spec("ai_edge_litert") is None:
        why = ""
        if find_spec("tflite_runtime") is not None:
            why = "; tflite-runtime gives wrong answers for int8 rows and int4 blocks and is not used"
        raise MissingExtra(f"the package {PACKAGE} is not installed{why}", 'pip install "edgeslm[litert]"')
    installed, needed = version(PACKAGE), max(min_version, OLDEST, key=_numbers)
    if _numbers(installed) < _numbers(needed):
        raise Incompatible(
            f"the bundle needs {PACKAGE} {needed}, installed is {installed}", f'pip install "{PACKAGE}>={needed}"'
        )


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def _open_model(graph: Path, threads: int) -> CompiledModel:
    """Load a file on the CPU, with one packed copy of the weights for all its signatures."""
    from ai_edge_litert.compiled_model import CompiledModel, CpuOptions, HardwareAccelerator, Options

    open_tflite(graph)  # a file cut off would end the process, with SIGBUS, inside the runtime
    silence_exit()
    cpu = CpuOptions(num_threads=threads, xnnpack_weight_cache_path=":memory")
    with native_stderr() as said:
        try:
            return CompiledModel.from_file(str(graph), options=Options(HardwareAccelerator.CPU, cpu))
        except (RuntimeError, ValueError, MemoryError) as error:
            said.seek(0)
            words = [line for line in said.read().decode("utf-8", "replace").splitlines() if line.startswith("ERROR")]
            what = f"{PACKAGE} {version(PACKAGE)} cannot load {graph.name}"
            raise _translated(error, "; ".join([what, *words[-2:]])) from error


def _checked_signatures(model: CompiledModel, shape: DecoderShape) -> dict[str, dict[str, Any]]:
    """Return the file's signatures by name.

    Raises Incompatible unless `decode` is there with the manifest's caches and vocabulary.
    """
    signatures: dict[str, dict[str, Any]] = model.get_signature_list()
    caches = {f"kv_cache_{which}_{layer}" for layer in range(shape.layers) for which in "kv"}
    wrong = [f"no signature '{name}'" for name in ("decode",) if name not in signatures]
    for name, names in signatures.items():
        needed = {"tokens", "input_pos", *caches}
        odd = needed - set(names["inputs"]) | set(names["inputs"]) - needed - {"mask"}
        wrong += [f"'{name}' lacks or adds {', '.join(sorted(odd)[:4])}"] if odd else []
    if not wrong:
        wrong = list(_wrong_sizes(model, shape))
    if wrong:
        raise Incompatible(f"the file is not the manifest's decoder: {'; '.join(wrong[:4])}", "export the bundle again")
    return signatures


def _wrong_sizes(model: CompiledModel, shape: DecoderShape) -> list[str]:
    cache = model.get_input_tensor_details("decode")["kv_cache_k_0"]["shape"]
    logits = model.get_output_tensor_details("decode").get("logits", {"shape": [0]})["shape"]
    wrong = []
    if list(cache) != [1, shape.kv_heads, shape.context, shape.head_size]:
        wrong.append(f"its cache is {'x'.join(map(str, cache))}, for a context of {shape.context}")
    if logits[-1] != shape.vocab_size:
        wrong.append(f"it gives {logits[-1]} logits of {shape.vocab_size}")
    return wrong


def _allocate_caches(model: CompiledModel, names: Mapping[str, Any]) -> dict[str, TensorBuffer]:
    """Return zeroed caches: what is not written yet is multiplied by 0, which NaN would survive."""
    details = model.get_input_tensor_details("decode")
    caches = {}
    for name in names["inputs"]:
        if name.startswith("kv_cache_"):
            caches[name] = model.create_input_buffer_by_name("decode", name)
            caches[name].write(np.zeros(details[name]["shape"], np.float32))
    return caches


def _translated(error: Exception, what: str) -> EdgeSLMError:
    """Return our error for one of the runtime's: out of memory, too new for it, or a broken file."""
    text = f"{what}: {error}".strip()
    if isinstance(error, MemoryError) or "Failed to allocate" in text:
        return EnvironmentProblem(text, "close other programs, or use a smaller model or context")
    if _TOO_NEW_FOR_RUNTIME.search(text):
        return Incompatible(text, f"pip install --upgrade {PACKAGE}")
    return Corrupt(text, "run `edgeslm verify` on the bundle, then export it again")
