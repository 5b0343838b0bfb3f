"""What a running bundle holds resident, part by part: from the layout, and from how the runtimes work.

    reading the tokenizer:  interpreter + its JSON                                     (small model, large vocabulary)
    starting:               process with all of its libraries + tokenizer              (small model)
    loading:                process + tokenizer + packed weights + the largest matrix once more
    running:                process + tokenizer + packed weights + cache + activations + mapped rows of the embedding

Libraries are given back between these, so each has a process of its own size. The peak is the largest of the four.
The constants are the software's, not the machine's: what Python, numpy, the tokenizers and the runtime hold before
there is a model, and how their allocators round. They were fitted with onnxruntime 1.31.1, ai-edge-litert 2.3.0 and
Python 3.11; bench/memory.py holds them against the peak resident set of cells that were not used for it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from edgeslm_agent.engine.runtime.pages import RELEASED_ROWS
from edgeslm_exporters.quantized_rows import Blocks

if TYPE_CHECKING:
    from edgeslm_exporters.matrices import AnyLayout

MB = 2**20


@dataclass(frozen=True)
class Process:
    """What a process of the engine holds without a model, once its runtime has started, and while it loads and runs.

    `layer_bytes` are a layer's share of the runtime's own tables. `slack` is how much the allocator keeps for each byte
    of a pass's widest tensors.
    """

    starting: float
    loading: float
    running: float
    layer_bytes: float
    slack: float


# libpython, numpy, tokenizers and the runtime's library, with its own heap. What onnxruntime starts with lies between
# two runs that differed by 2 MB, with how the page cache held the libraries. LiteRT has tables of every layer in each
# of its signatures, and keeps some of what fp16 was widened in.
PROCESSES = {
    "onnx": Process(53.3 * MB, 45.3 * MB, 43.0 * MB, 0.2 * MB, slack=1.58),
    "tflite": Process(57.25 * MB, 41.5 * MB, 30.65 * MB, 0.64 * MB, slack=0.75),
    "tflite fp16": Process(57.25 * MB, 38.9 * MB, 38.65 * MB, 0.64 * MB, slack=0.75),
}
WIDENED = 0.07  # of the fp32 weights: what onnxruntime keeps of having widened fp16
INTERPRETER = 37.9 * MB  # before a runtime is there: Python, numpy, the tokenizers' library
# A byte-level BPE once read (hashbrown tables of 32 + 32 + 16 bytes a bucket and one of control, filled to 7/8; two
# strings an entry of the heap's 48 bytes, and the pair of its merge), and while its JSON is read.
BUCKET_BYTES, ENTRY_BYTES, TOKENIZER_BYTES = 81, 122, 0.5 * MB
READING_BYTES = 575  # an entry
FILLED = 7 / 8
# A row of the mapped table brings its neighbours: Linux maps 16 pages around the one that was touched, and more where
# the page cache holds the file in larger pieces. As seen, for tables of codes and of floats; what LiteRT's head shares
# was read in order, the rest at random.
ONNX_FAULTS, TFLITE_FAULTS = (128 * 1024, 512 * 1024), (210 * 1024, 1260 * 1024)
SHARED_FAULT = 45 * 1024
# The heap keeps holes where the tokenizer's JSON was; the runtime's small objects fill them.
HOLES, FILLED_BY_RUNTIME = 0.4, 5.1 * MB
# What ranges cover beyond the formulas: other releases of the libraries, heaps that reuse holes or do not.
SPREAD = {
    "process": (0.92, 1.06),
    "starting": (0.92, 1.08),
    "tokenizer": (0.6, 1.35),
    "weights": (0.98, 1.02),
    "activations": (0.5, 1.5),
    "mapped": (0.3, 1.7),
}


@dataclass(frozen=True)
class Footprint:
    """Bytes of one bundle running: each part at its most, and the peaks before it runs.

    `loading` is what that holds beyond process, tokenizer and weights, `starting` the process before it loads;
    `reading` is all that is held while the tokenizer is read.
    """

    process: float
    tokenizer: float
    weights: float
    cache: float
    activations: float
    mapped: float
    loading: float
    starting: float
    reading: float

    @property
    def runtime(self) -> float:
        """What does not depend on the model's weights: process and tokenizer."""
        return self.process + self.tokenizer

    @property
    def peak(self) -> float:
        """The largest resident set."""
        running = self.cache + self.activations + self.mapped
        loaded = self.runtime + self.weights
        return max(self.reading, self.starting + self.tokenizer, loaded + self.loading, loaded + running)

    def end(self, side: int) -> Footprint:
        """Return the parts at the low (0) or high (1) end of their ranges."""
        ends = {name: ends[side] for name, ends in SPREAD.items()}
        return Footprint(**{part.name: getattr(self, part.name) * ends.get(part.name, 1) for part in fields(self)})


def footprint(places: AnyLayout, tokens: int, rows: int) -> Footprint:
    """Return what the variant with this layout holds: `tokens` in its cache, a prompt read in chunks of `rows`."""
    onnx, halves = places.format == "onnx", places.table.storage == "fp16"
    process = PROCESSES["tflite fp16" if halves and not onnx else places.format]
    rows, tokenizer = min(rows, tokens), tokenizer_bytes(places.spec.vocab)
    reused = min(HOLES * tokenizer, FILLED_BY_RUNTIME) if onnx else 0
    widened = WIDENED if onnx and halves else 0
    return Footprint(
        process=process.running + process.layer_bytes * places.spec.layers - reused,
        tokenizer=tokenizer,
        weights=places.resident_bytes * (1 + widened),
        cache=places.cache_bytes(tokens),
        activations=process.slack * places.activation_bytes(rows, tokens),
        mapped=_touched(places, min(tokens, max(rows, RELEASED_ROWS))),
        loading=process.loading - process.running + places.loading_bytes,
        starting=process.starting,
        reading=INTERPRETER + READING_BYTES * places.spec.vocab,
    )


def _touched(places: AnyLayout, rows: int) -> float:
    """Return how much of the mapped table is resident once so many rows of it were read, drawn at random."""
    table = places.table
    codes, floats = TFLITE_FAULTS if places.format == "tflite" else ONNX_FAULTS
    around = codes if isinstance(table.storage, Blocks) else floats
    if places.format == "tflite" and places.head is None:
        around = SHARED_FAULT
    return table.bytes * -math.expm1(-rows * around / table.bytes)


def tokenizer_bytes(vocab: int) -> float:
    """Return what the tables of a vocabulary hold: buckets double when seven eighths of them are full."""
    buckets = 1 << max(0, int(vocab / FILLED)).bit_length()
    return TOKENIZER_BYTES + BUCKET_BYTES * buckets + ENTRY_BYTES * vocab
