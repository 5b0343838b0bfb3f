"""A checkpoint in Hugging Face layout: config.json, safetensors (one file or shards with an index), a tokenizer.

Opening reads configuration and headers only. Weights are read row block by row block when they are asked for, so the
memory a conversion takes does not depend on the size of the model.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeslm_agent.errors import BadCheckpoint, UsageError
from edgeslm_exporters.tokenizer_file import TokenizerFacts, read_tokenizer
from edgeslm_exporters.weight_files import WIDTHS, TensorHeader, read_headers, read_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"
TOKENIZER = "tokenizer.json"
# What the digest covers, and what is fetched from the hub, besides the weights.
SIDE_FILES = ("config.json", "generation_config.json", TOKENIZER, "tokenizer_config.json", "chat_template.jinja")
_CHUNK = 4 * 2**20
_LAYOUT = "a checkpoint folder holds config.json, tokenizer.json and model.safetensors (or shards with their index)"


@dataclass(frozen=True)
class Checkpoint:
    """An opened checkpoint. `source` is what the user named, `revision` the hub's commit or ''."""

    path: Path
    name: str
    source: str
    revision: str
    config: Mapping[str, Any]
    headers: Mapping[str, TensorHeader]
    _descriptors: dict[Path, int] = field(default_factory=dict, repr=False, compare=False)

    @property
    def tensor_names(self) -> tuple[str, ...]:
        """Names of all tensors."""
        return tuple(self.headers)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every tensor by name."""
        return {name: header.shape for name, header in self.headers.items()}

    def header(self, name: str) -> TensorHeader:
        """Return dtype, shape and bytes of a tensor."""
        return self.headers[name]

    def rows(self, name: str, start: int, stop: int) -> NDArray[np.float32]:
        """Return rows [start, stop) of a tensor as float32 [rows, columns]; a vector is one row. Threads may share it.

        Raises BadCheckpoint when the values are not finite, the type is not F32, F16 or BF16, or the file was cut.
        """
        tensor = self.headers[name]
        if tensor.dtype not in WIDTHS:
            raise BadCheckpoint(
                f"{name} is stored as {tensor.dtype}; weights must be F32, F16 or BF16",
                "take the unquantised checkpoint",
            )
        try:
            return read_rows(self._descriptor(tensor.file), tensor, start, stop)
        except ValueError as error:
            raise BadCheckpoint(
                f"{name} holds {error} in rows {start} to {stop - 1}",
                "the weights are damaged; take them from their source",
            ) from error

    def _descriptor(self, file: Path) -> int:
        """Open a file once for the life of the checkpoint (reads name their own position, so threads can share it)."""
        if file not in self._descriptors:
            opened = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
            if self._descriptors.setdefault(file, opened) != opened:
                os.close(opened)
        return self._descriptors[file]

    def close(self) -> None:
        """Close the weight files."""
        while self._descriptors:
            os.close(self._descriptors.popitem()[1])

    @property
    def tokenizer_path(self) -> Path:
        """The tokenizer.json of the checkpoint.

        Raises BadCheckpoint when there is none.
        """
        path = self.path / TOKENIZER
        if not path.is_file():
            raise BadCheckpoint(
                f"{self.path} has no {TOKENIZER}", "convert the tokenizer to a fast one and save it there"
            )
        return path

    @cached_property
    def tokenizer(self) -> TokenizerFacts:
        """Size and special tokens of tokenizer.json.

        Raises BadCheckpoint when it is missing or unreadable.
        """
        named = (self.tokenizer_config.get(key) for key in ("bos_token", "eos_token"))
        contents = (token.get("content") if isinstance(token, dict) else token for token in named)
        return read_tokenizer(self.tokenizer_path, [token for token in contents if isinstance(token, str)])

    @cached_property
    def tokenizer_config(self) -> dict[str, Any]:
        """tokenizer_config.json, or nothing."""
        return _document(self.path / "tokenizer_config.json", optional=True)

    @cached_property
    def generation_config(self) -> dict[str, Any]:
        """generation_config.json, or nothing."""
        return _document(self.path / "generation_config.json", optional=True)

    @cached_property
    def chat_template_file(self) -> str | None:
        """The text of chat_template.jinja, if the checkpoint keeps its template there."""
        path = self.path / "chat_template.jinja"
        return path.read_text("utf-8") if path.is_file() else None

    def files(self) -> tuple[Path, ...]:
        """Return the files that make the checkpoint what it is, sorted by name."""
        side = [self.path / name for name in (*SIDE_FILES, INDEX) if (self.path / name).is_file()]
        return tuple(sorted({*side, *(header.file for header in self.headers.values())}))

    def digest(self) -> str:
        """Return the SHA-256 over names, sizes and contents of `files()`, in hex. Reads every weight, once."""
        return self._digest

    @cached_property
    def _digest(self) -> str:
        total = hashlib.sha256()
        for file in self.files():
            total.update(f"{file.name} {file.stat().st_size} {_file_digest(file)}\n".encode())
        return total.hexdigest()


def open_checkpoint(source: str | Path, *, revision: str | None = None) -> Checkpoint:
    """Open a local folder, or fetch what is needed of a hub id and open that.

    Raises UsageError when the source is neither, BadCheckpoint when files are missing, truncated or unreadable.
    """
    path = Path(source)
    if path.is_dir():
        return _open_folder(path, path.resolve().name, str(source), revision="")
    text = str(source)
    if isinstance(source, Path) or not _looks_like_hub_id(text):
        raise UsageError(f"'{text}' is neither a folder nor a hub id like owner/name", _LAYOUT)
    from edgeslm_exporters.hub import download

    folder, commit = download(text, revision, SIDE_FILES)
    return _open_folder(folder, text.rsplit("/", 1)[-1], text, revision=commit)


def _looks_like_hub_id(text: str) -> bool:
    owner, slash, name = text.partition("/")
    return bool(slash and owner and name) and "/" not in name and owner not in {".", "..", "~"}


def _open_folder(path: Path, name: str, source: str, *, revision: str) -> Checkpoint:
    config = _document(path / "config.json")
    headers: dict[str, TensorHeader] = {}
    for file in _weight_files(path):
        headers |= read_headers(file)
    return Checkpoint(path, name, source, revision, config, headers)


def _weight_files(path: Path) -> Sequence[Path]:
    """Return the shards an index names, or the single file."""
    if (path / SINGLE).is_file():
        return [path / SINGLE]
    if not (path / INDEX).is_file():
        raise BadCheckpoint(f"{path} has neither {SINGLE} nor {INDEX}", _LAYOUT)
    mapping = _document(path / INDEX).get("weight_map")
    if not isinstance(mapping, dict) or not all(isinstance(name, str) for name in mapping.values()):
        raise BadCheckpoint(f"{INDEX} has no weight_map", "download the checkpoint again")
    names = sorted(set(mapping.values()))
    if outside := [name for name in names if Path(name).name != name]:
        raise BadCheckpoint(
            f"{INDEX} names files outside the folder: {', '.join(outside)}", "do not trust this checkpoint"
        )
    if missing := [name for name in names if not (path / name).is_file()]:
        raise BadCheckpoint(f"{INDEX} names missing shards: {', '.join(missing)}", "download the missing files")
    return [path / name for name in names]


def _document(path: Path, *, optional: bool = False) -> dict[str, Any]:
    """Read a JSON object; a missing optional file is an empty one."""
    if not path.is_file():
        if optional:
            return {}
        raise BadCheckpoint(f"{path.parent} has no {path.name}", _LAYOUT)
    try:
        document = json.loads(path.read_bytes())
    except ValueError as error:
        raise BadCheckpoint(f"{path.name} is not JSON: {error}", "download the checkpoint again") from error
    if not isinstance(document, dict):
        raise BadCheckpoint(f"{path.name} is not an object", "download the checkpoint again")
    return document


def _file_digest(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb", buffering=0) as stream:
        buffer = memoryview(bytearray(_CHUNK))
        while count := stream.readinto(buffer):
            digest.update(buffer[:count])
    return digest.hexdigest()
