"""One .litertlm file: a .tflite decoder with its tokenizer and LlmMetadata, as LiteRT-LM opens it.

    "LITERTLM", version (3 x uint32), 4 bytes, end of the header (uint64), header (FlatBuffer)
    LlmMetadata | size (uint64) and zlib of tokenizer.json | the .tflite as it is     each at a multiple of 16 KiB

Source: schema/core/litertlm_header_schema.fbs of https://github.com/google-ai-edge/LiteRT-LM. Nothing that changes from
run to run goes in, so equal inputs give equal bytes.
"""

from __future__ import annotations

import os
import shutil
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

from edgeslm_agent.engine.runtime.tflite_file import View
from edgeslm_agent.errors import Corrupt, EnvironmentProblem, Incompatible
from edgeslm_exporters.tflite.flatbuffer import Scalar, Table, encode
from edgeslm_exporters.tflite.llm_metadata import parse_llm_metadata

if TYPE_CHECKING:
    from typing import IO

    from edgeslm_agent.bundle import Bundle
    from edgeslm_exporters.tflite.llm_metadata import LlmMetadata

MAGIC = b"LITERTLM"
VERSION = (1, 7, 0)  # a reader looks at the first number
HEADER = 32  # bytes in front of the FlatBuffer
ALIGNMENT = 16 << 10
TFLITE, METADATA, TOKENIZER = 3, 5, 6  # AnySectionDataType
STRING = 9  # VData
NO_IDENTIFIER = bytes(4)
HEADER_LIMIT = 1 << 20  # bytes of a foreign header, and of metadata or a tokenizer, that are read at most
CONTENT_LIMIT = 128 << 20
_AGAIN = "copy it again from where it came"


@dataclass(frozen=True)
class Packed:
    """What a file holds: metadata, tokenizer.json, and its .tflite from byte `begin` on."""

    metadata: LlmMetadata
    tokenizer: bytes
    begin: int
    size: int


@dataclass(frozen=True)
class _Section:
    kind: int
    begin: int
    end: int
    model_type: str | None = None

    def table(self) -> Table:
        """Return the SectionObject."""
        items = () if self.model_type is None else (_text_item("model_type", self.model_type),)
        places = {1: Scalar("Q", self.begin), 2: Scalar("Q", self.end)}
        return Table({0: items, **places, 3: Scalar("B", self.kind)})


def write_litertlm(path: Path, bundle: Bundle, metadata: LlmMetadata) -> None:
    """Pack a bundle's .tflite and tokenizer as `path`, which appears whole or not at all.

    Raises EnvironmentProblem when the disk refuses.
    """
    graph = bundle.file(bundle.manifest.graph)
    said, words = metadata.to_bytes(), _compressed(bundle.file(bundle.manifest.tokenizer).read_bytes())
    sizes = {METADATA: len(said), TOKENIZER: len(words), TFLITE: graph.stat().st_size}
    sections = _placed(sizes)
    try:
        with NamedTemporaryFile("wb", dir=path.parent, prefix=f".{path.name}.", delete=False) as out:
            try:
                _write(out, sections, said, words, graph)
                Path(out.name).chmod(0o644)  # a temporary file is for its owner alone
                Path(out.name).replace(path)
            except BaseException:
                Path(out.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        hint = "free some space, or choose another place"
        raise EnvironmentProblem(f"cannot write {path}: {error.strerror}", hint) from error


def read_litertlm(path: Path) -> Packed:
    """Read everything but the weights of a file that holds one decoder and a tokenizer.json.

    Raises Corrupt for what is cut off or no .litertlm, Incompatible for one that holds something else.
    """
    with path.open("rb") as stream:
        magic, major, _, _, _, end = struct.unpack("<8s4IQ", stream.read(HEADER).ljust(HEADER, b"\0"))
        header = stream.read(max(0, min(end, HEADER_LIMIT) - HEADER))
        if magic != MAGIC or len(header) < 8:
            raise Corrupt(f"{path.name} is not a .litertlm file", _AGAIN)
        if major != VERSION[0]:
            raise Incompatible(f"{path.name} has version {major}, known is {VERSION[0]}", "update edgeslm")
        sections = _sections(memoryview(header))
        if any(not 0 <= begin <= end <= path.stat().st_size for _, begin, end in sections):
            raise Corrupt(f"{path.name} is cut off", _AGAIN)
        _, begin, end = _only(sections, TFLITE, "decoder", path)
        metadata = _content(stream, _only(sections, METADATA, "LlmMetadata", path))
        words = _content(stream, _only(sections, TOKENIZER, "tokenizer.json", path))
    return Packed(parse_llm_metadata(metadata), _decompressed(words, path), begin, end - begin)


def _sections(header: memoryview) -> list[tuple[int, int, int]]:
    """Return kind, begin and end of each section."""
    places = View(header, struct.unpack_from("<I", header)[0]).table(1)
    found = () if places is None else places.tables(0)
    return [(section.scalar(3, "B"), section.scalar(1, "Q"), section.scalar(2, "Q")) for section in found]


def _only(sections: list[tuple[int, int, int]], kind: int, what: str, path: Path) -> tuple[int, int, int]:
    found = [section for section in sections if section[0] == kind]
    if len(found) != 1:
        hint = "take a file with one text decoder and a tokenizer.json in it, or its .tflite with --tokenizer"
        raise Incompatible(f"{path.name} has {len(found)} of {what}, not one", hint)
    return found[0]


def _content(stream: IO[bytes], section: tuple[int, int, int]) -> bytes:
    stream.seek(section[1])
    return stream.read(min(section[2] - section[1], CONTENT_LIMIT))


def _decompressed(words: bytes, path: Path) -> bytes:
    try:
        return zlib.decompressobj().decompress(words[8:], CONTENT_LIMIT)
    except zlib.error as error:
        raise Corrupt(f"{path.name}: its tokenizer cannot be read: {error}", _AGAIN) from error


def _write(out: IO[bytes], sections: list[_Section], said: bytes, words: bytes, graph: Path) -> None:
    header = _header(sections)
    out.write(MAGIC + struct.pack("<4IQ", *VERSION, 0, HEADER + len(header)) + header)
    for section, content in zip(sections, (said, words), strict=False):
        out.seek(section.begin)
        out.write(content)
    out.seek(sections[-1].begin)
    with graph.open("rb") as stream:
        shutil.copyfileobj(stream, out, 1 << 20)
    out.flush()
    os.fsync(out.fileno())


def _placed(sizes: dict[int, int]) -> list[_Section]:
    """Return the sections in this order behind the header, whose size does not depend on the places in it."""
    empty = [_Section(kind, 0, 0, "tf_lite_prefill_decode" if kind == TFLITE else None) for kind in sizes]
    end, placed = HEADER + len(_header(empty)), []
    for section, size in zip(empty, sizes.values(), strict=True):
        begin = -(-end // ALIGNMENT) * ALIGNMENT
        end = begin + size
        placed.append(_Section(section.kind, begin, end, section.model_type))
    return placed


def _header(sections: list[_Section]) -> bytes:
    """Return LiteRTLMMetaData: entries about the file (one, since none is refused), and where its sections lie."""
    system = Table({0: (_text_item("Authors", "edgeslm"),)})
    places = Table({0: tuple(section.table() for section in sections)})
    return encode(Table({0: system, 1: places}), NO_IDENTIFIER)


def _text_item(key: str, value: str) -> Table:
    return Table({0: key, 1: Scalar("B", STRING), 2: Table({0: value})})


def _compressed(tokenizer: bytes) -> bytes:
    return struct.pack("<Q", len(tokenizer)) + zlib.compress(tokenizer)
