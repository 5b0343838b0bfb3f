"""The manifest: what a bundle is, as plain frozen data with one JSON form.

A manifest holds only what follows from the inputs (checkpoint, recipe, format, context), so equal inputs give equal
bytes; the bundle's id is the SHA-256 of those bytes. Observed figures live in `evidence/`, outside the id.
Readers ignore keys they do not know and refuse a `format_version` above their own. `kind` says what the model does:
"encoder" reads a text and gives one vector; a manifest without `kind` is that of a decoder, which generates.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import Literal, TypeVar, get_args, get_origin, get_type_hints

from edgeslm_agent.errors import Corrupt, TooNew

FORMAT_VERSION = 1
MANIFEST_NAME = "manifest.json"
KV_BITS = (32, 8, 4)
LARGEST = 1 << 31  # positions and lengths are int32 in the graph
_AGAIN = "export the bundle again"

Task = Literal["embed", "classify"]
INPUTS = ("input_ids", "attention_mask", "token_type_ids")  # what an encoder's graph may take
OUTPUTS: dict[Task, str] = {"embed": "embedding", "classify": "scores"}  # the one output of an encoder's graph

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

    `digest` is the SHA-256 over the checkpoint's files; `revision` is a hub commit or ''; `licence` is what the model
    card names, or ''.
    """

    name: str
    source: str
    revision: str
    digest: str
    architecture: str
    parameters: int
    licence: str = ""


@dataclass(frozen=True)
class RuntimeRequirement:
    """The runtime that must be installed (a PyPI name) and its lowest version."""

    name: str
    min_version: str


@dataclass(frozen=True)
class DecoderShape:
    """What an engine must know to drive the graph; `context` is the capacity of the KV cache in tokens.

    `position_ids` says whether the graph takes the positions as an input (rotary outside the attention operator),
    `kv_bits` what a value of the cache takes: 32 is a float.
    """

    graph: str
    layers: int
    kv_heads: int
    head_size: int
    vocab_size: int
    context: int
    position_ids: bool
    kv_bits: int


@dataclass(frozen=True)
class EncoderSizes:
    """What a plan must know of an encoder: layers, width of the tokens' vectors and of the MLP, attention heads."""

    layers: int
    hidden: int
    inner: int
    heads: int


@dataclass(frozen=True)
class EncoderShape:
    """What an engine must know to run an encoder.

    The graph takes `inputs` (input_ids and others of INPUTS), int64 [batch, length], and gives one output, float32
    [batch, width]: `embedding` for the task embed, `scores` in the order of `labels` for classify. A .tflite takes
    input_ids as int32 and attention_mask as float32, both [1, context].
    `pooling` says how token vectors became one (cls, mean, max; none for a classifier), `normalized` that its length
    is 1: both happen inside the graph.
    """

    graph: str
    task: Task
    inputs: tuple[str, ...]
    width: int
    vocab_size: int
    sizes: EncoderSizes
    pooling: str
    normalized: bool
    labels: tuple[str, ...]


@dataclass(frozen=True)
class ChatFormat:
    """How a conversation becomes a prompt.

    `program` is the model's chat template, compiled (engine/template/program.py says how to read it). `system`, `turns`
    and `thinking` say whether it has a place for a system message, for earlier turns, and for being told to think.
    """

    program: str
    system: bool
    turns: bool
    thinking: bool


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
class EncoderProbe:
    """A text's ids and the index of the output that is largest for them: the self-test of an encoder at load."""

    token_ids: tuple[int, ...]
    largest: int


class _Canonical:
    """The one JSON form of a manifest, and the id that follows from it."""

    def to_bytes(self) -> bytes:
        """Return the canonical JSON: sorted keys, two-space indent, one final newline."""
        document = asdict(self)  # type: ignore[call-overload]  # both subclasses are dataclasses
        return (json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()

    @property
    def bundle_id(self) -> str:
        """SHA-256 of the canonical bytes, in hex."""
        return hashlib.sha256(self.to_bytes()).hexdigest()


@dataclass(frozen=True)
class Manifest(_Canonical):
    """Everything that ships with one variant of a decoder.

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

    @property
    def graph(self) -> str:
        """Path of the graph inside the bundle."""
        return self.decoder.graph


@dataclass(frozen=True)
class EncoderManifest(_Canonical):
    """Everything that ships with one variant of an encoder; `context` is the longest text in tokens, [CLS] included."""

    variant: str
    recipe: str
    format: str
    context: int
    model: ModelSource
    runtime: RuntimeRequirement
    encoder: EncoderShape
    tokenizer: str
    probe: EncoderProbe
    files: tuple[FileEntry, ...]
    tools: dict[str, str]
    kind: Literal["encoder"] = "encoder"
    format_version: int = FORMAT_VERSION

    @property
    def graph(self) -> str:
        """Path of the graph inside the bundle."""
        return self.encoder.graph


def parse_manifest(data: bytes) -> Manifest | EncoderManifest:
    """Read a manifest from its JSON bytes.

    Raises Corrupt when a key is missing or of another type, TooNew when a later edgeslm wrote it, Incompatible when an
    earlier one did.
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
    kind = document.get("kind", "decoder")
    if kind == "encoder":
        encoder = _build(EncoderManifest, document, MANIFEST_NAME)
        _refuse([*_wrong_files(encoder), *_wrong_encoder(encoder)])
        return encoder
    if kind != "decoder":
        raise TooNew(f"the bundle is of a kind this edgeslm does not know: {kind!r}", "update edgeslm on this machine")
    manifest = _build(Manifest, document, MANIFEST_NAME)
    _refuse([*_wrong_files(manifest), *_wrong_decoder(manifest)])
    return manifest


def _refuse(wrong: list[str]) -> None:
    """Raise Corrupt for values that no engine could allocate or obey."""
    if wrong:
        raise Corrupt(f"{MANIFEST_NAME}: {'; '.join(wrong)}", _AGAIN)


def _wrong_files(manifest: Manifest | EncoderManifest) -> list[str]:
    return [f"size of {entry.path} is {entry.bytes}" for entry in manifest.files if entry.bytes < 0]


def _wrong_sizes(positive: dict[str, int]) -> list[str]:
    return [f"{name} is {value}" for name, value in positive.items() if not 0 < value < LARGEST]


def _wrong_encoder(manifest: EncoderManifest) -> list[str]:
    shape, probe = manifest.encoder, manifest.probe
    inside = {f"encoder.sizes.{name}": size for name, size in asdict(shape.sizes).items()}
    outside = {"context": manifest.context, "encoder.width": shape.width, "encoder.vocab_size": shape.vocab_size}
    wrong = _wrong_sizes(inside | outside)
    if shape.task == "classify" and len(set(shape.labels)) != shape.width:
        wrong.append(f"{len(set(shape.labels))} different labels for {shape.width} scores")
    if "input_ids" not in shape.inputs or not set(shape.inputs) <= set(INPUTS):
        wrong.append(f"encoder.inputs are {', '.join(shape.inputs)}")
    if not 0 < len(probe.token_ids) <= manifest.context or not 0 <= probe.largest < shape.width:
        wrong.append("probe is empty or outside the model")
    return wrong


def _wrong_decoder(manifest: Manifest) -> list[str]:
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
    wrong = _wrong_sizes(positive)
    if shape.context != manifest.context:
        wrong.append(f"context is {manifest.context}, decoder.context {shape.context}")
    if shape.kv_bits not in KV_BITS or shape.head_size * shape.kv_bits % 8:
        wrong.append(f"decoder.kv_bits is {shape.kv_bits} for heads of {shape.head_size}")
    if not manifest.probe.token_ids or not manifest.probe.top_tokens:
        wrong.append("probe is empty")
    return wrong


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
    if get_origin(hint) is tuple:
        item = get_args(hint)[0]
        return tuple(_value(item, entry, where) for entry in _checked(list, value, where))
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise Corrupt(f"{where} is not one of {', '.join(get_args(hint))}", _AGAIN)
        return value
    if hint == dict[str, str]:
        return {_checked(str, k, where): _checked(str, v, where) for k, v in _checked(dict, value, where).items()}
    assert isinstance(hint, type), hint  # every annotation above is one of the forms handled here
    return _checked(hint, value, where)


def _checked(kind: type[T], value: object, where: str) -> T:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise Corrupt(f"{where} is not {kind.__name__}", _AGAIN)
    return value
