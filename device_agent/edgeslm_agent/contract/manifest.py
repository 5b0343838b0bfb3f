"""The manifest: what a bundle is, as plain frozen data with one JSON form.

A manifest holds only what follows from the inputs (checkpoint, recipe, format, context), so equal inputs give equal
bytes; the bundle's id is the SHA-256 of those bytes. Observed figures live in `evidence/`, outside the id.
Readers ignore keys they do not know and refuse a `format_version` above their own.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import TypeVar, get_type_hints

from edgeslm_agent.errors import Corrupt, TooNew

FORMAT_VERSION = 1
MANIFEST_NAME = "manifest.json"
LARGEST = 1 << 31  # positions and lengths are int32 in the graph
_AGAIN = "export the bundle again"

T = TypeVar("T")


@dataclass(frozen=True)
class FileEntry:
    """One file of the bundle: path relative to it (with `/`), size in bytes, SHA-256 in hex."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class ModelSource:
    """Where the weights come from.

    `digest` is the SHA-256 over the checkpoint's files; `revision` is a hub commit or ''.
    """

    name: str
    source: str
    revision: str
    digest: str
    architecture: str
    parameters: int


@dataclass(frozen=True)
class RuntimeRequirement:
    """The runtime that must be installed (a PyPI name) and its lowest version."""

    name: str
    min_version: str


@dataclass(frozen=True)
class DecoderShape:
    """What an engine must know to drive the graph; `context` is the capacity of the KV cache in tokens.

    `position_ids` says whether the graph takes the positions as an input (rotary outside the attention operator).
    """

    graph: str
    layers: int
    kv_heads: int
    head_size: int
    vocab_size: int
    context: int
    position_ids: bool


@dataclass(frozen=True)
class ChatFormat:
    """A single-turn chat template as plain text: the prompt is `before` + the user's text + `after`."""

    before: str
    after: str


@dataclass(frozen=True)
class Limits:
    """Bounds the engine enforces, in tokens; a prompt and its answer share the context."""

    max_prompt_tokens: int
    max_tokens: int


@dataclass(frozen=True)
class Probe:
    """A prompt whose most likely next tokens are known: the self-test at load. `top_tokens` are in falling order."""

    token_ids: tuple[int, ...]
    top_tokens: tuple[int, ...]


@dataclass(frozen=True)
class Manifest:
    """Everything that ships with one variant.

    `tokenizer` and `decoder.graph` are paths inside the bundle; `bos_token_id` is put before the prompt when set.
    """

    variant: str
    recipe: str
    format: str
    context: int
    model: ModelSource
    runtime: RuntimeRequirement
    decoder: DecoderShape
    tokenizer: str
    bos_token_id: int | None
    stop_token_ids: tuple[int, ...]
    chat: ChatFormat | None
    limits: Limits
    probe: Probe
    files: tuple[FileEntry, ...]
    tools: dict[str, str]
    format_version: int = FORMAT_VERSION

    def to_bytes(self) -> bytes:
        """Return the canonical JSON: sorted keys, two-space indent, one final newline."""
        return (json.dumps(asdict(self), indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()

    @property
    def bundle_id(self) -> str:
        """SHA-256 of the canonical bytes, in hex."""
        return hashlib.sha256(self.to_bytes()).hexdigest()


def parse_manifest(data: bytes) -> Manifest:
    """Read a manifest from its JSON bytes.

    Raises Corrupt when a key is missing or of another type, TooNew when a later edgeslm wrote it.
    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Corrupt(f"{MANIFEST_NAME} is not JSON: {error}", _AGAIN) from error
    if not isinstance(document, dict):
        raise Corrupt(f"{MANIFEST_NAME} is not a JSON object", _AGAIN)
    version = document.get("format_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise Corrupt(f"{MANIFEST_NAME} has no format_version", _AGAIN)
    if version > FORMAT_VERSION:
        raise TooNew(
            f"the bundle has format {version}, this edgeslm reads up to {FORMAT_VERSION}",
            "update edgeslm on this machine, or export the bundle with an older one",
        )
    manifest = _build(Manifest, document, MANIFEST_NAME)
    _check_numbers(manifest)
    return manifest


def _check_numbers(manifest: Manifest) -> None:
    """Raise Corrupt for numbers that no engine could allocate or obey."""
    shape, limits = manifest.decoder, manifest.limits
    positive = {
        "decoder.layers": shape.layers,
        "decoder.kv_heads": shape.kv_heads,
        "decoder.head_size": shape.head_size,
        "decoder.vocab_size": shape.vocab_size,
        "decoder.context": shape.context,
        "limits.max_prompt_tokens": limits.max_prompt_tokens,
        "limits.max_tokens": limits.max_tokens,
    }
    wrong = [f"{name} is {value}" for name, value in positive.items() if not 0 < value < LARGEST]
    wrong += [f"size of {entry.path} is {entry.bytes}" for entry in manifest.files if entry.bytes < 0]
    if shape.context != manifest.context:
        wrong.append(f"context is {manifest.context}, decoder.context {shape.context}")
    if not manifest.probe.token_ids or not manifest.probe.top_tokens:
        wrong.append("probe is empty")
    if wrong:
        raise Corrupt(f"{MANIFEST_NAME}: {'; '.join(wrong)}", _AGAIN)


def _build(kind: type[T], document: object, where: str) -> T:
    """Build one frozen dataclass of this module from its JSON object, ignoring unknown keys."""
    if not isinstance(document, dict):
        raise Corrupt(f"{where} is not an object", _AGAIN)
    hints = get_type_hints(kind)
    values = {}
    for field in fields(kind):  # type: ignore[arg-type]  # kind is always one of the dataclasses above
        if field.name not in document:
            raise Corrupt(f"{where} lacks '{field.name}'", _AGAIN)
        values[field.name] = _value(hints[field.name], document[field.name], f"{where}: {field.name}")
    return kind(**values)


def _value(hint: object, value: object, where: str) -> object:
    if is_dataclass(hint) and isinstance(hint, type):
        return _build(hint, value, where)
    if hint == int | None or hint == ChatFormat | None:
        return None if value is None else _value(int if hint == int | None else ChatFormat, value, where)
    if hint in (tuple[int, ...], tuple[FileEntry, ...]):
        item = int if hint == tuple[int, ...] else FileEntry
        return tuple(_value(item, entry, where) for entry in _checked(list, value, where))
    if hint == dict[str, str]:
        return {_checked(str, k, where): _checked(str, v, where) for k, v in _checked(dict, value, where).items()}
    assert isinstance(hint, type), hint  # every annotation above is one of the forms handled here
    return _checked(hint, value, where)


def _checked(kind: type[T], value: object, where: str) -> T:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise Corrupt(f"{where} is not {kind.__name__}", _AGAIN)
    return value
