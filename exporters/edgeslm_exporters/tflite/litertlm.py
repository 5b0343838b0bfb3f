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

from edgeslm_agent.errors import EnvironmentProblem
from edgeslm_exporters.tflite.flatbuffer import Scalar, Table, encode

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
