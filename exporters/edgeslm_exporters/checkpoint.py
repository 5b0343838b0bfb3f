"""A checkpoint: configuration, tokenizer and weights, from a folder in Hugging Face layout, the hub, or a .gguf file.

Opening reads configuration and headers only, also from the hub; a file of weights is fetched when its first row is
read. Weights are read row block by row block, so the memory a conversion takes does not depend on the size of the
model.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeslm_agent.errors import BadCheckpoint, UsageError
from edgeslm_exporters.digests import digest_of
from edgeslm_exporters.folder import LocalFolder
from edgeslm_exporters.model_card import licence_of
from edgeslm_exporters.recipe import BLOCKS, Quantization, Recipe
from edgeslm_exporters.sources import decoded, lora
from edgeslm_exporters.tokenizer_file import TokenizerFacts, compile_tokenizer, read_tokenizer
from edgeslm_exporters.weight_files import WeightFiles
from edgeslm_exporters.weights import QuantizedWeights

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from edgeslm_exporters.folder import Folder
    from edgeslm_exporters.quantized_rows import Blocks, QuantizedRows
    from edgeslm_exporters.weight_files import TensorHeader
    from edgeslm_exporters.weights import Weights

INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"
TOKENIZER = "tokenizer.json"
# What the digest covers besides the weights.
SIDE_FILES = ("config.json", "generation_config.json", TOKENIZER, "tokenizer_config.json", "chat_template.jinja")
CARD = "README.md"
GGUF = ".gguf"
OWN_TABLE = Quantization(8, 32, symmetric=True)
_LAYOUT = "a checkpoint folder holds config.json, tokenizer.json and model.safetensors (or shards with their index)"


@dataclass(frozen=True, kw_only=True)
class SideFiles:
    """What is said of a model beside its weights: configuration, tokenizer, chat template.

    `source` is what the user named; `document` returns a file by name, None when there is none.
    """

    name: str
    source: str
    config: Mapping[str, Any]
    document: Callable[[str], bytes | None]

    @property
    def tokenizer_json(self) -> bytes:
        """The tokenizer.json of the checkpoint, with what `transformers` reads from its config written into it.

        Raises BadCheckpoint when there is none, or when it is no tokenizer.
        """
        found = self._tokenizer_document
        return found if self.tokenizer.complete else compile_tokenizer(found, self.tokenizer_config, self._model_type)

    @cached_property
    def tokenizer(self) -> TokenizerFacts:
        """Size and special tokens of tokenizer.json.

        Raises BadCheckpoint when it is missing or unreadable.
        """
        named = (self.tokenizer_config.get(key) for key in ("bos_token", "eos_token"))
        contents = (token.get("content") if isinstance(token, dict) else token for token in named)
        names = [token for token in contents if isinstance(token, str)]
        return read_tokenizer(self._tokenizer_document, names, self.tokenizer_config, self._model_type)

    @property
    def _tokenizer_document(self) -> bytes:
        found = self.document(TOKENIZER)
        if found is None:
            raise BadCheckpoint(
                f"{self.source} has no {TOKENIZER}", "convert the tokenizer to a fast one and save it there"
            )
        return found

    @property
    def _model_type(self) -> str:
        return str(self.config.get("model_type", ""))

    @cached_property
    def tokenizer_config(self) -> dict[str, Any]:
        """tokenizer_config.json, or nothing."""
        return _object("tokenizer_config.json", self.document("tokenizer_config.json") or b"{}")

    @cached_property
    def generation_config(self) -> dict[str, Any]:
        """generation_config.json, or nothing."""
        return _object("generation_config.json", self.document("generation_config.json") or b"{}")

    @cached_property
    def chat_template_file(self) -> str | None:
        """The text of chat_template.jinja, if the checkpoint keeps its template there."""
        found = self.document("chat_template.jinja")
        return None if found is None else found.decode()


@dataclass(frozen=True, kw_only=True)
class Checkpoint(SideFiles):
    """An opened checkpoint, a `QuantizedWeights`. `revision` is the hub's commit or ''.

    `own_form` is how most matrices came quantised, if they did; `notes` are sentences about the source for the user.
    `list_files` returns what the digest covers.
    """

    revision: str
    weights: Weights
    list_files: Callable[[], tuple[Path, ...]]
    own_form: Quantization | None = None
    notes: tuple[str, ...] = ()

    @cached_property
    def path(self) -> Path:
        """The folder on this machine that holds its files, all of them fetched."""
        return self.list_files()[0].parent

    @cached_property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shape of every tensor by name."""
        return self.weights.shapes

    def rows(self, name: str, start: int, stop: int) -> NDArray[np.float32]:
        """Return rows [start, stop) of a tensor as float32 [rows, columns]; a vector is one row. Threads may share it.

        Raises BadCheckpoint when the values cannot be read or are not finite.
        """
        return self.weights.rows(name, start, stop)

    def quantized_rows(self, name: str, start: int, stop: int, form: Blocks) -> QuantizedRows | None:
        """Return a tensor's own codes as `QuantizedWeights` does."""
        if isinstance(self.weights, QuantizedWeights):
            return self.weights.quantized_rows(name, start, stop, form)
        return None

    @property
    def own_recipe(self) -> str | None:
        """The recipe that takes the codes as they are, None when the checkpoint has none or no recipe has their form.

        Embedding and head, which publishers leave alone, get 8 bits: their rounding would be the only one.
        """
        form = self.own_form
        if form is None or form.bits not in {4, 8} or form.block not in {None, *BLOCKS}:
            return None
        return Recipe(form, form, form, form, OWN_TABLE if form.bits < OWN_TABLE.bits else form).name

    @property
    def licence(self) -> str:
        """The licence its model card names, or ''."""
        return licence_of((self.document(CARD) or b"").decode("utf-8", "replace"))

    def digest(self) -> str:
        """Return the SHA-256 over names, sizes and contents of its files, in hex. Reads every weight, once."""
        return self._digest

    @cached_property
    def _digest(self) -> str:
        total = hashlib.sha256()
        for file in self.list_files():
            total.update(f"{file.name} {file.stat().st_size} {digest_of(file)}\n".encode())
        return total.hexdigest()


def side_files(folder: Path) -> SideFiles:
    """Return what a folder says of a model whose weights are elsewhere; every file may be missing.

    Raises BadCheckpoint when config.json is no JSON object.
    """

    def document(name: str) -> bytes | None:
        path = LocalFolder(folder).path(name)
        return None if path is None else path.read_bytes()

    config = _object("config.json", document("config.json") or b"{}")
    return SideFiles(name=folder.resolve().name, source=str(folder), config=config, document=document)


def open_checkpoint(source: str | Path, *, adapter: Path | None = None) -> Checkpoint:
    """Open a folder, a .gguf file or a hub id (`owner/name` or `owner/name@revision`), merged with a LoRA adapter.

    Raises UsageError when the source is none of these, BadCheckpoint when files are missing, truncated or unreadable,
    UnsupportedOperator for weights quantised in a way without decoder, Unreachable when the hub does not answer.
    """
    checkpoint = _open(source)
    if adapter is None:
        return checkpoint
    folder, base = adapter, checkpoint.list_files
    return replace(
        checkpoint,
        name=f"{checkpoint.name}+{folder.resolve().name}",
        source=f"{checkpoint.source} + {folder}",
        weights=lora.adapted(checkpoint.weights, folder),
        list_files=lambda: (*base(), folder / lora.CONFIG, folder / lora.TENSORS),
    )


def _open(source: str | Path) -> Checkpoint:
    path, text = Path(source), str(source)
    if path.is_dir():
        return _open_folder(LocalFolder(path), path.resolve().name, text, revision="")
    if path.suffix == GGUF and path.is_file():
        return _open_gguf(path)
    name, _, revision = text.partition("@")
    if isinstance(source, Path) or not _looks_like_hub_id(name):
        raise UsageError(f"'{text}' is neither a folder, nor a .gguf file, nor a hub id like owner/name", _LAYOUT)
    from edgeslm_exporters.hub import open_hub

    folder = open_hub(name, revision or None)
    return _open_folder(folder, name.rsplit("/", 1)[-1], text, revision=folder.commit)


def _looks_like_hub_id(text: str) -> bool:
    owner, slash, name = text.partition("/")
    return bool(slash and owner and name) and "/" not in name and owner not in {".", "..", "~"} and GGUF not in name


def _open_folder(folder: Folder, name: str, source: str, *, revision: str) -> Checkpoint:
    config = _object("config.json", _located(folder, "config.json").read_bytes())
    names = _weight_files(folder)
    files = WeightFiles(_headers(folder, names), lambda file: _located(folder, file))
    found = decoded(config, files)

    def document(file: str) -> bytes | None:
        path = folder.path(file)
        return None if path is None else path.read_bytes()

    def list_files() -> tuple[Path, ...]:
        side = {file: path for file in (*SIDE_FILES, INDEX) if (path := folder.path(file)) is not None}
        every = {**side, **{file: _located(folder, file) for file in names}}
        return tuple(every[file] for file in sorted(every))

    return Checkpoint(
        name=name,
        source=source,
        revision=revision,
        config=config,
        weights=found.weights,
        document=document,
        list_files=list_files,
        own_form=found.form,
        notes=found.notes,
    )


def _open_gguf(path: Path) -> Checkpoint:
    """Open a .gguf file; a tokenizer.json beside it is used instead of the one in its metadata."""
    from edgeslm_exporters.sources.gguf.file import open_gguf
    from edgeslm_exporters.sources.gguf.model import decode, side_file

    file = open_gguf(path)
    config, found = decode(file)
    beside = path.with_name(TOKENIZER)

    def document(name: str) -> bytes | None:
        return beside.read_bytes() if name == TOKENIZER and beside.is_file() else side_file(file, name)

    def list_files() -> tuple[Path, ...]:
        return (path, beside) if beside.is_file() else (path,)

    return Checkpoint(
        name=path.stem,
        source=str(path),
        revision="",
        config=config,
        weights=found.weights,
        document=document,
        list_files=list_files,
        own_form=found.form,
        notes=found.notes,
    )


def _weight_files(folder: Folder) -> Sequence[str]:
    """Return the names of the shards an index names, or the single file."""
    index = folder.path(INDEX)
    if index is None:
        return [SINGLE]
    mapping = _object(INDEX, index.read_bytes()).get("weight_map")
    if not isinstance(mapping, dict) or not all(isinstance(name, str) for name in mapping.values()):
        raise BadCheckpoint(f"{INDEX} has no weight_map", "download the checkpoint again")
    names = sorted(set(mapping.values()))
    if outside := [name for name in names if Path(name).name != name]:
        raise BadCheckpoint(
            f"{INDEX} names files outside the folder: {', '.join(outside)}", "do not trust this checkpoint"
        )
    return names


def _headers(folder: Folder, names: Sequence[str]) -> dict[str, TensorHeader]:
    """Return the tensors of all files by name, missing files told together."""
    found = {file: folder.headers(file) for file in names}
    missing = [file for file, headers in found.items() if headers is None]
    if missing == [SINGLE]:
        raise BadCheckpoint(f"{folder.name} has neither {SINGLE} nor {INDEX}", _LAYOUT)
    if missing:
        raise BadCheckpoint(f"{INDEX} names missing shards: {', '.join(missing)}", "download the missing files")
    return {tensor: header for headers in found.values() for tensor, header in (headers or {}).items()}


def _located(folder: Folder, file: str) -> Path:
    path = folder.path(file)
    if path is None:
        raise BadCheckpoint(f"{folder.name} has no {file}", _LAYOUT)
    return path


def _object(name: str, data: bytes) -> dict[str, Any]:
    """Read a JSON object."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadCheckpoint(f"{name} is not JSON: {error}", "download the checkpoint again") from error
    if not isinstance(document, dict):
        raise BadCheckpoint(f"{name} is not an object", "download the checkpoint again")
    return document
