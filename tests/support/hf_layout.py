"""The files of a checkpoint in Hugging Face layout, written with numpy alone: safetensors, its index, a tokenizer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray


def encode_tensor(values: NDArray[np.float32], dtype: str) -> bytes:
    """Return the little-endian bytes of `values` stored as F32, F16 or BF16 (rounded half to even)."""
    if dtype == "F32":
        return values.astype("<f4").tobytes()
    if dtype == "F16":
        return values.astype("<f2").tobytes()
    bits = values.astype("<f4").view("<u4").astype(np.uint64)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return rounded.astype("<u2").tobytes()


def write_safetensors(path: Path, tensors: Mapping[str, NDArray[np.float32]], dtype: str) -> None:
    """Write one safetensors file: 8 bytes of header length, the JSON header, then the tensors back to back."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    blobs: list[bytes] = []
    offset = 0
    for name, values in tensors.items():
        blobs.append(encode_tensor(values, dtype))
        end = offset + len(blobs[-1])
        header[name] = {"dtype": dtype, "shape": list(values.shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(blobs))


def write_weights(folder: Path, tensors: Mapping[str, NDArray[np.float32]], dtype: str, shards: int) -> None:
    """Write model.safetensors, or `shards` files and the index that names them."""
    if shards == 1:
        write_safetensors(folder / "model.safetensors", tensors, dtype)
        return
    names = list(tensors)
    where = {
        name: f"model-{index * shards // len(names) + 1:05}-of-{shards:05}.safetensors"
        for index, name in enumerate(names)
    }
    for shard in sorted(set(where.values())):
        write_safetensors(folder / shard, {name: tensors[name] for name in where if where[name] == shard}, dtype)
    total = sum(len(encode_tensor(values, dtype)) for values in tensors.values())
    write_json(folder / "model.safetensors.index.json", {"metadata": {"total_size": total}, "weight_map": where})


def word_tokenizer(vocab_size: int) -> dict[str, Any]:
    """Return a valid tokenizer.json of `vocab_size` words: three special ones, then w3, w4, ..."""
    special = ["<unk>", "<s>", "</s>"]
    words = [*special, *(f"w{index}" for index in range(len(special), vocab_size))]
    vocabulary = {word: index for index, word in enumerate(words)}
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": index, "content": word, **flags} for index, word in enumerate(special)],
        "normalizer": None,
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": None,
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "<unk>"},
    }


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write one JSON file, indented."""
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
