"""Runs a decoder's signatures with LiteRT; the home of the package ai-edge-litert.

The file is one that `edgeslm_exporters.tflite` wrote, or one with the same signatures (LiteRT's own exporters name them
so): `prefill_N` reads N tokens into the cache, `decode` reads one and gives logits, `score_N` gives the logits of all.
Each cache is one buffer, passed as input and output of every signature, which DYNAMIC_UPDATE_SLICE extends in place.
A call costs what its caches hold room for, so they begin small and grow a little at a time (litert_calls.py), with one
copy of what they hold; every signature is resized when it is next called. A file of somebody else keeps the caches it
declares.
How many tokens a signature reads is fixed: a chunk that is not full is padded with tokens behind the end, which the
mask hides and whose cache rows the next call overwrites. All signatures share one packed copy of the weights.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from edgeslm_agent.engine.heap import keep_freed, trim_heap
from edgeslm_agent.engine.runtime.atomics import check_atomics
from edgeslm_agent.engine.runtime.litert_calls import cache_size, prompt_calls
from edgeslm_agent.engine.runtime.memfd import settle_memfd
from edgeslm_agent.engine.runtime.pages import (
    RELEASED_ROWS,
    mapped_regions,
    new_regions,
    release,
    release_libraries,
    still_mapped,
)
from edgeslm_agent.engine.runtime.quiet import native_stderr, silence_exit
from edgeslm_agent.engine.runtime.tflite_file import RESIZABLE, open_tflite
from edgeslm_agent.errors import Corrupt, EdgeSLMError, EnvironmentProblem, Incompatible, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ai_edge_litert.compiled_model import CompiledModel, TensorBuffer
    from numpy.typing import NDArray

    from edgeslm_agent.contract.manifest import DecoderShape

    Floats = NDArray[np.float32]

PACKAGE = "ai-edge-litert"
PACKED = "XNNPack in-memory weight cache"  # the memfd that all signatures' weights are packed into
OLDEST = "2.2.0"  # the first whose CompiledModel takes threads and a cache of packed weights
HIDDEN = np.float32(-1e9)  # added to the scores of tokens that must not be seen
HEAP_BLOCK = 256 << 10  # of caches that grew, the heap would keep holes that the next size does not fit in
_SIZED = re.compile(r"(prefill|score)_(\d+)")
_TOO_NEW_FOR_RUNTIME = re.compile(
    r"op builtin_code out of range|Didn't find op|unresolved|not supported", re.IGNORECASE
)


class _Signature(NamedTuple):
    """An entry of the file and how many tokens it reads."""

    name: str
    rows: int


DECODE = _Signature("decode", 1)


class LitertRuntime:
    """A decoder's signatures in a LiteRT model of its own (see port.Runtime)."""

    def __init__(
        self, graph: Path, shape: DecoderShape, *, min_version: str, threads: int, prefill_rows: int, score_rows: int
    ) -> None:
        """Load `graph` and allocate the caches of `shape`; signatures that read more than `prefill_rows` stay unused.

        Raises MissingExtra without ai-edge-litert, Corrupt for a broken file, Incompatible for a file that this version
        cannot run or that lacks a signature, EnvironmentProblem when memory does not suffice.
        """
        check_litert(min_version)
        file = open_tflite(graph)  # a file cut off would end the process, with SIGBUS, inside the runtime
        self.context, self.vocab_size = shape.context, shape.vocab_size
        keep_freed(HEAP_BLOCK)
        self._graph = graph.resolve()
        others = mapped_regions(self._graph)
        self._model: CompiledModel | None = open_model(graph, threads)
        self._mapped = new_regions(self._graph, others)
        release_libraries()  # before the first run, which packs the weights
        sized = list(filter(None, map(_SIZED.fullmatch, _checked_signatures(self._model, shape))))
        prefills = {int(match[2]): match[0] for match in sized if match[1] == "prefill"}
        self._score = next((_Signature(match[0], int(match[2])) for match in sized if match[1] == "score"), DECODE)
        self._ending = {self._score.rows: self._score, 1: DECODE}  # they give logits
        reading = {size: _Signature(name, size) for size, name in prefills.items() if size <= prefill_rows}
        self._reading = {**self._ending, **reading}
        self.score_rows = min(score_rows, shape.context)
        self._all_logits: Floats | None = None
        self._resizable = file.metadata(RESIZABLE) is not None
        self._caches = _Caches(resizable=self._resizable)
        self._held = 0  # tokens that the caches hold
        self._rows_read = 0
        self._calls: dict[str, _Call] = {}

    def settle(self) -> None:
        """Move the packed weights into huge pages."""
        settle_memfd(PACKED)

    def prefill(self, ids: Sequence[int], past: int) -> Floats:
        """Read `ids` after `past` tokens in chunks; return the logits [vocab] after the last of them."""
        read = 0
        *before, (size, count) = prompt_calls(tuple(self._reading), self._score.rows, len(ids), self.context - past)
        end = past + len(ids)
        for rows, filled in before:
            self._run(self._reading[rows], ids[read : read + filled], past + read, end)
            read += filled
        self._run(self._ending[size], ids[read:], past + read, end)
        last: Floats = self._calls[self._ending[size].name].logits(count)[-1].copy()  # a view would keep the others
        return last

    def step(self, token: int, past: int) -> Floats:
        """Read one token after `past` tokens; return the logits [vocab] after it."""
        self._run(DECODE, (token,), past)
        logits: Floats = self._calls[DECODE.name].logits(1)[0]
        return logits

    def score(self, ids: Sequence[int], past: int) -> Floats:
        """Read at most `score_rows` ids after `past` tokens; return the logits [len(ids), vocab] after each."""
        if self._all_logits is None:  # as large as the weights for a big vocabulary: only when somebody asks
            self._all_logits = np.empty((self.score_rows, self.vocab_size), np.float32)
        read = 0
        while read < len(ids):
            signature = self._score if past + read + self._score.rows <= self.context else DECODE
            rows = ids[read : read + signature.rows]
            self._run(signature, rows, past + read, self.context)
            self._all_logits[read : read + len(rows)] = self._calls[signature.name].logits(len(rows))
            read += len(rows)
        return self._all_logits[: len(ids)]

    def close(self) -> None:
        """Drop the model and its buffers."""
        with native_stderr():
            self._calls.clear()
            self._caches.buffers.clear()
            self._model = self._all_logits = None

    def _run(self, signature: _Signature, ids: Sequence[int], past: int, end: int = 0) -> None:
        """Read ids with a signature, on the way to `end` tokens."""
        if self._model is None:
            raise EdgeSLMError("the session is closed", "open the bundle again")
        if past < self._held or past + signature.rows > self._caches.size:
            self._make_room(signature, past, end)
        self._held = past + len(ids)
        first = signature.name not in self._calls
        if first:
            self._calls[signature.name] = _Call(self._model, signature.name, self._caches)
        self._calls[signature.name].run(ids, past)
        self._rows_read += len(ids)
        if first:  # a first run packs weights, and the runtime then unmaps a copy of the file
            self._mapped = still_mapped(self._mapped)
        if first or self._rows_read >= RELEASED_ROWS:
            release(self._mapped)
            self._rows_read = 0
        if first:
            trim_heap()

    def _make_room(self, signature: _Signature, past: int, end: int) -> None:
        """Give the caches the size that a call wants after `past` tokens."""
        needed, now, kept = past + signature.rows, self._caches.size, past >= self._held
        size = cache_size(needed, now, self.context, end=end, kept=kept) if self._resizable else self.context
        if size != now:
            self._move(signature.name, size, past)

    def _move(self, signature: str, size: int, kept: int) -> None:
        """Give the caches room for `size` tokens, through a signature; close when there is no memory for them."""
        assert self._model is not None
        self._calls.clear()  # they hold on to the buffers there were
        try:
            with native_stderr():  # the first buffer of a process makes an environment, which says so
                self._caches.move(self._model, signature, size, kept)
        except (RuntimeError, MemoryError) as error:
            self.close()  # what is moved by half would answer wrongly
            raise translated(error, f"no caches for {size} tokens") from error
        trim_heap()  # the C library keeps what was moved: 90 MB of a 135M decoder's, back from 2,048 tokens


class _Caches:
    """The keys and values of all layers: a buffer each, with room for `size` tokens."""

    def __init__(self, *, resizable: bool) -> None:
        self._resizable = resizable
        self.size = 0
        self.buffers: dict[str, TensorBuffer] = {}

    def move(self, model: CompiledModel, signature: str, size: int, kept: int) -> None:
        """Move what `kept` tokens left to buffers of the size that a signature takes, one cache at a time.

        The rest is zero: what is not written yet is multiplied by 0, which NaN would survive.
        """
        self.fit(model, signature, size)
        if not kept:
            self.buffers.clear()
        inputs = model.get_input_tensor_details(signature)
        shapes = {name: tuple(found["shape"]) for name, found in inputs.items() if name.startswith("kv_cache_")}
        values = {shape: np.zeros(shape, np.float32) for shape in set(shapes.values())}
        for name, shape in shapes.items():
            if kept:
                values[shape][:, :, :kept] = self._read(name, shape)[:, :, :kept]
            self.buffers[name] = model.create_input_buffer_by_name(signature, name)
            self.buffers[name].write(values[shape])
        self.size = size

    def fit(self, model: CompiledModel, signature: str, size: int) -> None:
        """Let a signature take caches of `size` tokens, if its file allows that; weights stay packed."""
        if self._resizable:
            _resize(model, signature, size)

    def _read(self, name: str, shape: tuple[int, ...]) -> Floats:
        old = (*shape[:2], self.size, *shape[3:])
        values: Floats = self.buffers[name].read(int(np.prod(old)), np.float32)
        return values.reshape(old)


def _resize(model: CompiledModel, signature: str, size: int) -> None:
    """Change the sizes of a signature's caches and mask where they differ."""
    number, details = model.get_signature_index(signature), model.get_input_tensor_details(signature)
    for index, name in enumerate(model.get_signature_list()[signature]["inputs"]):
        axis = 2 if name.startswith("kv_cache_") else 3 if name == "mask" else None
        shape = list(details[name]["shape"])
        if axis is not None and shape[axis] != size:
            shape[axis] = size
            model.resize_input_tensor(index, shape, number, strict=False)  # by name it would list all names each time


class _Call:
    """One signature with the buffers it reads and writes."""

    def __init__(self, model: CompiledModel, name: str, caches: _Caches) -> None:
        self._model, self._name = model, name
        self._index = model.get_signature_index(name)
        caches.fit(model, name, caches.size)
        inputs, outputs = model.get_input_tensor_details(name), model.get_output_tensor_details(name)
        shared = caches.buffers
        self._inputs = {key: shared.get(key) or model.create_input_buffer_by_name(name, key) for key in inputs}
        self._outputs = {key: shared[key] for key in outputs if key in shared}
        rows = int(inputs["tokens"]["shape"][1])
        self._tokens = np.zeros((1, rows), np.int32)
        self._rows = np.arange(rows, dtype=np.int32)
        self._keys = np.arange(caches.size, dtype=np.int32)
        self._vocab = 0
        if "logits" in outputs:
            self._outputs["logits"] = model.create_output_buffer_by_name(name, "logits")
            self._vocab = int(outputs["logits"]["shape"][-1])
        order = model.get_signature_list()[name]  # buffers in order: 20 us less than by name
        self._inputs_in_order = [self._inputs[key] for key in order["inputs"]]
        self._outputs_in_order = [self._outputs[key] for key in order["outputs"]]

    def run(self, ids: Sequence[int], past: int) -> None:
        """Read ids after `past` tokens."""
        positions = past + self._rows
        self._tokens[0, : len(ids)] = ids
        self._tokens[0, len(ids) :] = 0
        self._inputs["tokens"].write(self._tokens)
        self._inputs["input_pos"].write(positions)
        if "mask" in self._inputs:
            self._inputs["mask"].write(np.where(self._keys <= positions[:, None], np.float32(0), HIDDEN)[None, None])
        try:
            self._model.run_by_index(self._index, self._inputs_in_order, self._outputs_in_order)
        except RuntimeError as error:
            raise translated(error, f"{self._name} failed on {len(ids)} tokens after {past}") from error

    def logits(self, count: int) -> Floats:
        """Return the logits [count, vocab] of the first tokens of the last run; the signature must give any."""
        logits: Floats = self._outputs["logits"].read(count * self._vocab, np.float32)
        return logits.reshape(count, self._vocab)


def check_litert(min_version: str) -> None:
    """Raise MissingExtra without ai-edge-litert, Incompatible when it is older than the bundle needs.

    Raises EnvironmentProblem where it would end the process (see check_atomics).
    """
    if find_spec("ai_edge_litert") is None:
        why = ""
        if find_spec("tflite_runtime") is not None:
            why = "; tflite-runtime gives wrong answers for int8 rows and int4 blocks and is not used"
        raise MissingExtra(f"the package {PACKAGE} is not installed{why}", 'pip install "edgeslm[litert]"')
    installed, needed = _installed(), max(min_version, OLDEST, key=_numbers)
    if _numbers(installed) < _numbers(needed):
        raise Incompatible(
            f"the bundle needs {PACKAGE} {needed}, installed is {installed}", f'pip install "{PACKAGE}>={needed}"'
        )
    check_atomics()


def _installed() -> str:
    """Return the version that the package says of itself; importlib.metadata would take 2 MB to look it up."""
    import ai_edge_litert

    return str(ai_edge_litert.__version__)


def load_litert() -> None:
    """Load the package and what it loads before any model; raises as check_litert does."""
    check_litert(OLDEST)
    from ai_edge_litert.environment import Environment

    with native_stderr():
        Environment.create()


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def open_model(graph: Path, threads: int, *, shared: bool = True) -> CompiledModel:
    """Load a file on the CPU, with one packed copy of the weights for all its signatures if `shared`.

    XNNPACK knows a packed copy by the bytes of weights and bias alone, though scales are packed with them: products
    of int8 values that differ in scales only (two means over channels) must not share.
    """
    from ai_edge_litert.compiled_model import CompiledModel, CpuOptions, HardwareAccelerator, Options

    silence_exit()
    cpu = CpuOptions(num_threads=threads, xnnpack_weight_cache_path=":memory" if shared else "")
    with native_stderr() as said:
        try:
            return CompiledModel.from_file(str(graph), options=Options(HardwareAccelerator.CPU, cpu))
        except (RuntimeError, ValueError, MemoryError) as error:
            said.seek(0)
            words = [line for line in said.read().decode("utf-8", "replace").splitlines() if line.startswith("ERROR")]
            what = f"{PACKAGE} {_installed()} cannot load {graph.name}"
            raise translated(error, "; ".join([what, *words[-2:]])) from error


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


def translated(error: Exception, what: str) -> EdgeSLMError:
    """Return our error for one of the runtime's: out of memory, too new for it, or a broken file."""
    text = f"{what}: {error}".strip()
    if isinstance(error, MemoryError) or "Failed to allocate" in text:
        return EnvironmentProblem(text, "close other programs, or use a smaller model or context")
    if _TOO_NEW_FOR_RUNTIME.search(text):
        return Incompatible(text, f"pip install --upgrade {PACKAGE}")
    return Corrupt(text, "run `edgeslm verify` on the bundle, then export it again")
