"""A .gguf file as a checkpoint: weights by Hugging Face names, configuration, and the files a folder would hold."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeslm_agent.errors import BadCheckpoint
from edgeslm_exporters.sources.codes import Codes, in_order
from edgeslm_exporters.sources.decoded import Decoded
from edgeslm_exporters.sources.gguf.blocks import FORMS, codes_of, dequantized
from edgeslm_exporters.sources.gguf.names import Place, config, in_halves, places
from edgeslm_exporters.sources.gguf.tokenizer import generation_config, tokenizer_config, tokenizer_json
from edgeslm_exporters.sources.partly_quantized import PartlyQuantized

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from edgeslm_exporters.recipe import Quantization
    from edgeslm_exporters.sources.gguf.file import GgufFile, GgufTensor


def decode(file: GgufFile) -> tuple[dict[str, Any], Decoded]:
    """Return the configuration and the weights of a model.

    Raises UnsupportedArchitecture, UnsupportedOperator and BadCheckpoint as `names` does.
    """
    found = places(file)
    floats = GgufFloats(file, found)
    matrices = {
        name: GgufMatrix(floats, name)
        for name in found
        if floats.tensor(name).storage.name in FORMS and len(floats.tensor(name).shape) == 2
    }
    stored = Counter(floats.tensor(name).storage.name for name in found if len(floats.tensor(name).shape) == 2)
    most = stored.most_common(1)[0][0] if stored else ""
    return config(file), Decoded(PartlyQuantized(floats, matrices), FORMS.get(most), tuple(_notes(stored)))


def side_file(file: GgufFile, name: str) -> bytes | None:
    """Return what a checkpoint folder would hold beside the weights, made from the metadata; None for other names.

    Raises UnsupportedOperator for a tokenizer of a kind without decoder.
    """
    if name == "tokenizer.json":
        return tokenizer_json(file.metadata)
    if name == "README.md":
        return f"---\nlicense: {file.metadata.get('general.license', '')}\n---\n".encode()
    documents = {"tokenizer_config.json": tokenizer_config, "generation_config.json": generation_config}
    return json.dumps(documents[name](file.metadata)).encode() if name in documents else None


def _notes(stored: Mapping[str, int]) -> Iterator[str]:
    again = [f"{count} {name}" for name, count in stored.items() if name not in {*FORMS, "F32", "F16", "BF16"}]
    if again:
        yield f"matrices stored as {', '.join(again)} are rounded again: no recipe holds them as they are"


@dataclass(frozen=True)
class GgufFloats:
    """`Weights` of the tensors that are no codes of a recipe's form; rows of any tensor as stored."""

    file: GgufFile
    places: Mapping[str, Place]

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shape of every tensor by its Hugging Face name."""
        return {name: self.tensor(name).shape for name in self.places}

    def tensor(self, name: str) -> GgufTensor:
        """Return a tensor's entry in the file."""
        return self.file.tensors[self.places[name].stored]

    def rows(self, name: str, start: int, stop: int) -> NDArray[np.float32]:
        """Return rows of a tensor as `Weights` does."""
        values = dequantized(self.stored(name, start, stop), self.tensor(name).storage)
        if values is None:
            raise BadCheckpoint(
                f"{name} holds NaN or infinity in rows {start} to {stop - 1}",
                "the weights are damaged; take them from their source",
            )
        head = self.places[name].head
        if head is not None and len(self.tensor(name).shape) == 1:
            return values[:, in_halves(np.arange(values.shape[1]), head)]
        return values

    def stored(self, name: str, start: int, stop: int) -> NDArray[np.uint8]:
        """Return rows in Hugging Face's order as bytes; where heads are interleaved, whole heads are read."""
        tensor, head = self.tensor(name), self.places[name].head
        if head is None or len(tensor.shape) == 1:
            return self.file.stored(tensor, start, stop)
        first, last = start // head * head, min(-(-stop // head) * head, tensor.shape[0])
        return self.file.stored(tensor, first, last)[in_halves(np.arange(start, stop), head) - first]


@dataclass(frozen=True)
class GgufMatrix:
    """A matrix whose codes fit a recipe."""

    floats: GgufFloats
    name: str

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.floats.tensor(self.name).shape
        return rows, columns

    @property
    def form(self) -> Quantization:
        """What the type of the tensor says."""
        return FORMS[self.floats.tensor(self.name).storage.name]

    def codes(self, start: int, stop: int) -> Codes:
        """Return rows [start, stop)."""
        storage, columns = self.floats.tensor(self.name).storage, self.shape[1]
        blocks = self.floats.stored(self.name, start, stop).reshape(-1, storage.bytes)
        codes, scales, zeros = codes_of(blocks, storage)
        rows = stop - start
        return Codes(
            codes.reshape(rows, columns),
            scales.reshape(rows, -1),
            zeros.reshape(rows, -1),
            in_order(columns, storage.block),
        )
