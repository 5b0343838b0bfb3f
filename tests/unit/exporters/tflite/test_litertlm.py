"""A .litertlm is what LiteRT-LM's own reader takes apart again, and nothing else is read as one."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import pytest
from litert_lm_builder import litertlm_core
from litert_lm_builder import litertlm_header_schema_py_generated as schema

from edgeslm.pack import assemble
from edgeslm_agent.errors import Corrupt, EnvironmentProblem, Incompatible
from edgeslm_exporters.tflite.litertlm import read_litertlm, write_litertlm
from edgeslm_exporters.tflite.llm_metadata import LlmMetadata
from support.foreign_files import FOLDER
from support.tflite_files import written
from support.tiny import tiny_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

    from edgeslm_agent.bundle import Bundle

METADATA = LlmMetadata(64, 1, (2,), "{{ messages }}")
SENTENCEPIECE = 4  # AnySectionDataType


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("litertlm")
    checkpoint, out = tiny_checkpoint(folder / "checkpoint"), folder / "bundle"
    return assemble(out, checkpoint, "folder:checkpoint", written(checkpoint, "wi8-afp32", out), "tiny")


@pytest.fixture(scope="module")
def packed(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("packed") / "tiny.litertlm"
    write_litertlm(path, bundle, METADATA)
    return path


def test_its_authors_reader_finds_the_three_sections(packed: Path, bundle: Bundle) -> None:
    data = packed.read_bytes()
    assert data[:8] == litertlm_core.HEADER_MAGIC_BYTES
    assert struct.unpack_from("<3I", data, 8)[0] == litertlm_core.LITERTLM_MAJOR_VERSION
    (end,) = struct.unpack_from("<Q", data, litertlm_core.HEADER_END_LOCATION_BYTE_OFFSET)
    header = schema.LiteRTLMMetaData.GetRootAs(data[litertlm_core.HEADER_BEGIN_BYTE_OFFSET : end], 0).SectionMetadata()
    sections = [header.Objects(index) for index in range(header.ObjectsLength())]
    names = [litertlm_core.any_section_data_type_to_string(section.DataType()) for section in sections]
    assert names == ["LlmMetadataProto", "HF_Tokenizer_Zlib", "TFLiteModel"]
    assert all(section.BeginOffset() % litertlm_core.BLOCK_SIZE == 0 for section in sections)
    said, words, graph = (data[section.BeginOffset() : section.EndOffset()] for section in sections)
    assert said == METADATA.to_bytes()
    tokenizer = bundle.file(bundle.manifest.tokenizer).read_bytes()
    assert (struct.unpack_from("<Q", words)[0], zlib.decompress(words[8:])) == (len(tokenizer), tokenizer)
    assert graph == bundle.file(bundle.manifest.graph).read_bytes()
    item, text = sections[2].Items(0), schema.StringValue()
    text.Init(item.Value().Bytes, item.Value().Pos)
    assert (item.Key(), item.ValueType(), text.Value()) == (
        b"model_type",
        schema.VData.StringValue,
        b"tf_lite_prefill_decode",
    )


def test_equal_inputs_give_equal_bytes_and_read_back(packed: Path, bundle: Bundle, tmp_path: Path) -> None:
    write_litertlm(tmp_path / "again.litertlm", bundle, METADATA)
    assert (tmp_path / "again.litertlm").read_bytes() == packed.read_bytes()
    found = read_litertlm(packed)
    graph = bundle.file(bundle.manifest.graph).read_bytes()
    assert packed.read_bytes()[found.begin : found.begin + found.size] == graph
    assert found.metadata == METADATA
    assert found.tokenizer == bundle.file(bundle.manifest.tokenizer).read_bytes()


def test_nothing_is_left_where_nothing_can_be_written(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(EnvironmentProblem, match="cannot write"):
        write_litertlm(tmp_path / "taken", bundle, METADATA)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["taken"]


def test_every_cut_is_corrupt_or_leaves_the_graph_alone(packed: Path, tmp_path: Path) -> None:
    data = packed.read_bytes()
    for size in (0, 7, 31, 60, 300, 16384, len(data) - 1):
        (tmp_path / "cut").write_bytes(data[:size])
        with pytest.raises(Corrupt):
            read_litertlm(tmp_path / "cut")


def test_a_spoilt_header_or_tokenizer_is_corrupt(packed: Path, tmp_path: Path) -> None:
    begin, data = 32768, packed.read_bytes()
    for place in (*range(32, 400, 7), begin + 9):
        (tmp_path / "spoilt").write_bytes(data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :])
        try:
            read_litertlm(tmp_path / "spoilt")
        except (Corrupt, Incompatible):
            continue
        assert place < begin, "a spoilt tokenizer was read"


def test_what_litert_torch_packed_is_read() -> None:
    found = read_litertlm(FOLDER / "model.litertlm")
    assert (found.metadata.context, found.metadata.start) == (160, "<s>")
    assert 2 in found.metadata.stops
    assert (FOLDER / "model.litertlm").read_bytes()[found.begin + 4 : found.begin + 8] == b"TFL3"
    assert b"WordLevel" in found.tokenizer


def test_another_kind_of_tokenizer_is_named(packed: Path, tmp_path: Path) -> None:
    data = bytearray(packed.read_bytes())
    header = schema.LiteRTLMMetaData.GetRootAs(bytes(data[32:]), 0)
    section = header.SectionMetadata().Objects(1)
    place = 32 + section._tab.Pos + section._tab.Offset(10)
    data[place] = SENTENCEPIECE
    (tmp_path / "other").write_bytes(data)
    with pytest.raises(Incompatible, match=r"0 of tokenizer.json"):
        read_litertlm(tmp_path / "other")
